# The link on virtual time and the province behind it, for sync's tests and whole-daemon tests.
add_library(gerbang_fake_link STATIC EXCLUDE_FROM_ALL
    ${PROJECT_SOURCE_DIR}/tests/support/scripted_link.cpp
    ${PROJECT_SOURCE_DIR}/tests/support/remote_receiver.cpp)
target_link_libraries(gerbang_fake_link PUBLIC gerbang_wire gerbang_net PRIVATE Snappy::snappy)
if(TARGET test_sync)
    target_sources(test_sync PRIVATE ${CMAKE_CURRENT_LIST_DIR}/sender.cpp)
    target_link_libraries(test_sync PRIVATE gerbang_fake_link gerbang_fake_host
        SQLite::SQLite3)
endif()
