# Every row of the blueprint's network table of faults, in real namespaces against the programs as
# they are shipped. About four minutes, most of them waiting; skipped with a line that says why where
# there is no root, no namespaces or no nft.
if(TARGET gerbang AND TARGET gerbang-province)
    set(faults_product $<TARGET_FILE_DIR:gerbang>)
    add_test(NAME e2e_faults
        COMMAND python3 ${PROJECT_SOURCE_DIR}/tests/e2e/faults/run.py ${faults_product})
    set_tests_properties(e2e_faults PROPERTIES SKIP_RETURN_CODE 77
        TIMEOUT ${GERBANG_TEST_TIMEOUT} LABELS "e2e;slow"
        # First, as it waits most of its time while others compute.
        COST 300)
endif()
