# A drain between the real programs over a narrow, long and lossy link, with its faults, and beside a
# villager's download. Skipped with a line that says why where there is no root or no namespaces.
if(TARGET gerbang AND TARGET gerbang-province)
    add_executable(drain_same ${CMAKE_CURRENT_LIST_DIR}/drain/same.cpp)
    target_link_libraries(drain_same PRIVATE gerbang_journal gerbang_province)
    target_include_directories(drain_same PRIVATE ${PROJECT_SOURCE_DIR})
    set(drain_product $<TARGET_FILE_DIR:gerbang>)
    add_test(NAME e2e_drain
        COMMAND python3 ${PROJECT_SOURCE_DIR}/tests/e2e/drain/run.py ${drain_product}
            $<TARGET_FILE:servers_backlog> $<TARGET_FILE:drain_same>)
    set_tests_properties(e2e_drain PROPERTIES SKIP_RETURN_CODE 77
        TIMEOUT ${GERBANG_TEST_TIMEOUT} LABELS "e2e;slow" COST 200)
endif()
