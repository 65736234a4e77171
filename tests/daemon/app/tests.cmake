# The kill test runs the whole daemon in a child process.
if(TARGET test_app)
    target_sources(test_app PRIVATE ${PROJECT_SOURCE_DIR}/tests/support/scripted_prober.cpp)
endif()
