# The real process: signals, a push that hangs, a certificate that is not there.
if(TARGET gerbang)
    set(process_product $<TARGET_FILE_DIR:gerbang>)
    add_test(NAME e2e_process
        COMMAND ${PROJECT_SOURCE_DIR}/tests/e2e/process_test.sh ${process_product})
    set_tests_properties(e2e_process PROPERTIES SKIP_RETURN_CODE 77 TIMEOUT ${GERBANG_TEST_TIMEOUT} LABELS e2e)
endif()
