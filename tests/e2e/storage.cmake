# The real program on an ext4 of its own that fills up, turns read-only and hangs.
if(TARGET gerbang)
    set(storage_product $<TARGET_FILE_DIR:gerbang>)
    add_test(NAME e2e_storage
        COMMAND ${PROJECT_SOURCE_DIR}/tests/e2e/storage_test.sh ${storage_product})
    set_tests_properties(e2e_storage PROPERTIES SKIP_RETURN_CODE 77 TIMEOUT 300 LABELS e2e)
endif()
