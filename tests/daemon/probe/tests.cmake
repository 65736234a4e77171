# The scripted prober, for every room that looks at the link on virtual time.
add_library(gerbang_fake_prober STATIC EXCLUDE_FROM_ALL
    ${PROJECT_SOURCE_DIR}/tests/support/scripted_prober.cpp)
target_include_directories(gerbang_fake_prober PUBLIC ${PROJECT_SOURCE_DIR})
target_link_libraries(gerbang_fake_prober PUBLIC gerbang_probe gerbang_host)
foreach(room probe app)
    if(TARGET test_${room})
        target_link_libraries(test_${room} PRIVATE gerbang_fake_prober)
    endif()
endforeach()
