# The demo of daemon/run.sh, as a test: it fails unless kernel, daemon and province agree.
if(TARGET gerbang AND TARGET gerbang-province)
    set(product $<TARGET_FILE_DIR:gerbang>)
    add_test(NAME e2e_demo COMMAND ${PROJECT_SOURCE_DIR}/tests/e2e/demo.sh ${product})
    set_tests_properties(e2e_demo PROPERTIES SKIP_RETURN_CODE 77 TIMEOUT ${GERBANG_TEST_TIMEOUT} LABELS e2e)
endif()
