# Pull between the real programs, over loopback.
if(TARGET gerbang AND TARGET gerbang-province)
    set(pull_product $<TARGET_FILE_DIR:gerbang>)
    add_test(NAME e2e_pull COMMAND ${PROJECT_SOURCE_DIR}/tests/e2e/pull_test.sh ${pull_product})
    set_tests_properties(e2e_pull PROPERTIES SKIP_RETURN_CODE 77 TIMEOUT ${GERBANG_TEST_TIMEOUT} LABELS e2e)
endif()
