-- Every typed record of the catalog. `key` is order-preserving (docs/formats/catalog.md).
CREATE TABLE records (
    collection TEXT NOT NULL,
    key BLOB NOT NULL,
    version BIGINT NOT NULL,
    schema_version BIGINT NOT NULL,
    payload BLOB NOT NULL,
    checksum BIGINT NOT NULL,
    PRIMARY KEY (collection, key)
);
