# The whole daemon against the whole province on virtual time.
add_library(gerbang_village STATIC EXCLUDE_FROM_ALL
    ${PROJECT_SOURCE_DIR}/tests/support/village.cpp
    ${PROJECT_SOURCE_DIR}/tests/support/village_link.cpp
    ${PROJECT_SOURCE_DIR}/tests/support/village_pull.cpp)
target_link_libraries(gerbang_village PUBLIC gerbang_fake_host gerbang_fake_kernel
    gerbang_fake_prober gerbang_app gerbang_province)
# Years and a thousand clocks, without the daemon: a small program of their own.
set(year ${CMAKE_CURRENT_LIST_DIR}/year_test.cpp ${CMAKE_CURRENT_LIST_DIR}/flapping_year_test.cpp
    ${CMAKE_CURRENT_LIST_DIR}/clock_schedules_test.cpp)
gerbang_test(year ${year})
target_link_libraries(test_year PRIVATE gerbang_ledger gerbang_sla)
file(GLOB scenarios CONFIGURE_DEPENDS ${CMAKE_CURRENT_LIST_DIR}/*_test.cpp)
# Sync alone, a thousand lives of it: the other one.
set(sync ${CMAKE_CURRENT_LIST_DIR}/sync_simulation_test.cpp ${CMAKE_CURRENT_LIST_DIR}/herd_test.cpp
    ${CMAKE_CURRENT_LIST_DIR}/pulled_test.cpp)
gerbang_test(simulation ${sync})
target_link_libraries(test_simulation PRIVATE gerbang_village gerbang_fault_vfs)
list(REMOVE_ITEM scenarios ${year} ${sync})
gerbang_test(scenario ${scenarios})
target_link_libraries(test_scenario PRIVATE gerbang_village gerbang_fault_vfs)
