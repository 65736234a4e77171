# The meter on real veth interfaces. It makes a network namespace of its own, so it needs root and
# `ip`; without them it is skipped and says so.
if(TARGET gerbang_meter)
    add_executable(test_e2e_meter ${CMAKE_CURRENT_LIST_DIR}/meter_namespaces_test.cpp
        ${PROJECT_SOURCE_DIR}/tests/daemon/meter/allocations_test.cpp)
    target_link_libraries(test_e2e_meter PRIVATE gerbang_meter gerbang_fake_host)
    target_compile_definitions(test_e2e_meter PRIVATE CATCH_CONFIG_FAST_COMPILE)
    add_test(NAME e2e_meter COMMAND test_e2e_meter)
    set_tests_properties(e2e_meter PROPERTIES SKIP_RETURN_CODE 77 TIMEOUT ${GERBANG_TEST_TIMEOUT})
endif()
