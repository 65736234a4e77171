# Pushing into servers that others wrote: Prometheus and VictoriaMetrics from Debian packages, nginx
# in front of one of them. Skipped with a line that says which is missing.
if(TARGET gerbang)
    add_executable(servers_backlog ${CMAKE_CURRENT_LIST_DIR}/servers/backlog.cpp)
    target_link_libraries(servers_backlog PRIVATE gerbang_journal)
    target_include_directories(servers_backlog PRIVATE ${PROJECT_SOURCE_DIR})
    target_compile_definitions(servers_backlog PRIVATE GERBANG_SOURCE_DIR="${PROJECT_SOURCE_DIR}")
    set(servers_product $<TARGET_FILE_DIR:gerbang>)
    add_test(NAME e2e_servers COMMAND ${PROJECT_SOURCE_DIR}/tests/e2e/servers_test.sh
        ${servers_product} $<TARGET_FILE:servers_backlog>)
    set_tests_properties(e2e_servers PROPERTIES SKIP_RETURN_CODE 77 TIMEOUT ${GERBANG_TEST_TIMEOUT}
        LABELS "e2e;slow")
endif()
