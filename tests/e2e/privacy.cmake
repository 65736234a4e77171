# Nothing about the people behind a gateway is kept, logged or sent (promise 16): the real daemon
# and the real receiver, clients with known addresses and names, and a search for those.
if(TARGET gerbang AND TARGET gerbang-province)
    set(privacy_product $<TARGET_FILE_DIR:gerbang>)
    add_test(NAME e2e_privacy
        COMMAND ${PROJECT_SOURCE_DIR}/tests/e2e/privacy_test.sh ${privacy_product})
    set_tests_properties(e2e_privacy PROPERTIES SKIP_RETURN_CODE 77 TIMEOUT ${GERBANG_TEST_TIMEOUT} LABELS e2e)
endif()
