# The disk with faults: an SQLite VFS in memory.
add_library(gerbang_fault_vfs STATIC EXCLUDE_FROM_ALL
    ${PROJECT_SOURCE_DIR}/tests/support/fault_vfs.cpp)
target_include_directories(gerbang_fault_vfs PUBLIC ${PROJECT_SOURCE_DIR})
target_link_libraries(gerbang_fault_vfs PUBLIC gerbang_core PRIVATE SQLite::SQLite3)

if(TARGET test_journal)
    target_sources(test_journal PRIVATE ${CMAKE_CURRENT_LIST_DIR}/fault_campaign.cpp
        ${PROJECT_SOURCE_DIR}/tests/support/fault_memory.cpp
        ${PROJECT_SOURCE_DIR}/tests/support/fault_new.cpp
        ${CMAKE_CURRENT_LIST_DIR}/fixture_content.cpp
        ${PROJECT_SOURCE_DIR}/daemon/app/event_rate.cpp)
    target_link_libraries(test_journal PRIVATE gerbang_fault_vfs SQLite::SQLite3)
endif()

# Bytes written to flash; needs root and loop devices, else it is skipped.
if(TARGET gerbang_journal)
    add_executable(bench_flash_journal
        ${PROJECT_SOURCE_DIR}/tests/bench/flash_journal.cpp)
    target_link_libraries(bench_flash_journal PRIVATE gerbang_journal)
    add_test(NAME flash COMMAND ${PROJECT_SOURCE_DIR}/tests/bench/flash.sh
        $<TARGET_FILE:bench_flash_journal>)
    set_tests_properties(flash PROPERTIES SKIP_RETURN_CODE 77 LABELS bench TIMEOUT 600)
endif()
