# The whole daemon in a child process with the real ring and the real journal, killed with -9.
if(TARGET gerbang_app)
    add_executable(test_e2e_kill ${CMAKE_CURRENT_LIST_DIR}/kill_daemon_test.cpp)
    target_link_libraries(test_e2e_kill PRIVATE gerbang_test_main gerbang_fake_prober gerbang_app)
    add_test(NAME e2e_kill COMMAND test_e2e_kill)
    set_tests_properties(e2e_kill PROPERTIES TIMEOUT ${GERBANG_TEST_TIMEOUT} LABELS e2e)
endif()
