# Valid sites' records, for the province and for simulations.
add_library(gerbang_sample_site STATIC EXCLUDE_FROM_ALL
    ${PROJECT_SOURCE_DIR}/tests/support/sample_site.cpp)
target_include_directories(gerbang_sample_site PUBLIC ${PROJECT_SOURCE_DIR})
target_link_libraries(gerbang_sample_site PUBLIC gerbang_wire gerbang_core)

# The province's tests look into the store as SQL users do, and start the program itself.
if(TARGET test_province)
    target_link_libraries(test_province PRIVATE gerbang_sample_site SQLite::SQLite3)
    if(TARGET gerbang-province)
        add_dependencies(test_province gerbang-province)
        target_compile_definitions(test_province PRIVATE
            GERBANG_PROVINCE="$<TARGET_FILE:gerbang-province>")
    endif()
endif()

# Each room's own additions: tests/daemon/<room>/tests.cmake.
file(GLOB rooms CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/tests/daemon/*/tests.cmake)
foreach(room_part ${rooms})
    include(${room_part})
endforeach()
