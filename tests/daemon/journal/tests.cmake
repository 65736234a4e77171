# The disk with faults: an SQLite VFS in memory.
add_library(gerbang_fault_vfs STATIC EXCLUDE_FROM_ALL
    ${PROJECT_SOURCE_DIR}/tests/support/fault_vfs.cpp)
target_include_directories(gerbang_fault_vfs PUBLIC ${PROJECT_SOURCE_DIR})
target_link_libraries(gerbang_fault_vfs PUBLIC gerbang_core PRIVATE SQLite::SQLite3)

if(TARGET test_journal)
    target_sources(test_journal PRIVATE ${CMAKE_CURRENT_LIST_DIR}/fault_campaign.cpp)
    target_link_libraries(test_journal PRIVATE gerbang_fault_vfs SQLite::SQLite3)
endif()
