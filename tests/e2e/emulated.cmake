# What run.sh takes into an emulated machine; not built with `all`, as only --long runs it.
if(TARGET gerbang_meter)
    add_executable(emulated_links EXCLUDE_FROM_ALL ${CMAKE_CURRENT_LIST_DIR}/emulated/links.cpp)
    target_link_libraries(emulated_links PRIVATE gerbang_meter)
    target_include_directories(emulated_links PRIVATE ${PROJECT_SOURCE_DIR})
endif()
