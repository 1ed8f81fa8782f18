//! What a store is told by its format: steps forward, and refusals.

use super::*;

const MORE: &[Migration] = &[
    MIGRATIONS[0],
    Migration {
        sqlite: "CREATE TABLE later (id INTEGER NOT NULL) STRICT;",
        postgres: "CREATE TABLE later (id BIGINT NOT NULL);",
    },
];

fn block_on<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(future)
}

async fn new_store(folder: &tempfile::TempDir) -> StoreUrl {
    let url = StoreUrl::from(folder.path().join("store.db").as_path());
    Database::create(&url, &Meta::new()).await.unwrap().close().await;
    url
}

#[test]
fn a_store_goes_forward_once_and_is_then_beyond_older_programs() {
    let folder = tempfile::tempdir().unwrap();
    block_on(async {
        let url = new_store(&folder).await;
        let database = Database::open(&url).await.unwrap();
        let writer = Writer::start(&database);
        assert_eq!(migrate(&url, MORE).await.unwrap(), Migrated { from: 1, to: 2 });
        assert_eq!(migrate(&url, MORE).await.unwrap(), Migrated { from: 2, to: 2 });
        let error = Database::open(&url).await.unwrap_err();
        assert!(matches!(error, DatabaseError::Newer { .. }), "{error}");
        assert!(error.to_string().contains("has the format `lazaret.store/2`, and this program knows"));
        // A process that had opened it before notices as well.
        let time = Timestamp::UNIX_EPOCH;
        let refused = writer.run(move |transaction| Box::pin(transaction.append(vec![1], time))).await;
        let refused = refused.unwrap_err();
        assert!(
            matches!(refused, WriterError::NotKept { source: DatabaseError::Newer { .. } }),
            "{refused:?}"
        );
    });
}

#[test]
fn an_older_store_is_refused_with_what_to_do() {
    let folder = tempfile::tempdir().unwrap();
    block_on(async {
        let url = new_store(&folder).await;
        let mut connection = connect(&url, Access::Write).await.unwrap();
        migration::write_meta(&mut connection, &url, "format", "lazaret.store/0").await.unwrap();
        let error = Database::open(&url).await.unwrap_err();
        assert!(matches!(error, DatabaseError::Older { .. }), "{error}");
        assert!(error.to_string().ends_with("run `lazaret store migrate`"));
    });
}

#[test]
fn tables_that_others_made_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    block_on(async {
        let url = new_store(&folder).await;
        let mut connection = connect(&url, Access::Write).await.unwrap();
        migration::write_meta(&mut connection, &url, "migration.0001", "sha256:0").await.unwrap();
        let error = Database::open(&url).await.unwrap_err();
        assert!(matches!(error, DatabaseError::Altered { migration: 1, .. }), "{error}");
        migration::write_meta(&mut connection, &url, "format", "acme.store/1").await.unwrap();
        let error = Database::open(&url).await.unwrap_err();
        assert!(matches!(error, DatabaseError::NotAStore { .. }), "{error}");
    });
}

#[test]
fn a_migration_that_fails_leaves_the_store_as_it_was() {
    let folder = tempfile::tempdir().unwrap();
    block_on(async {
        let url = new_store(&folder).await;
        let broken = Migration {
            sqlite: "CREATE TABLE later (id INTEGER); CREATE TABLE later (id INTEGER);",
            ..MORE[1]
        };
        let error = migrate(&url, &[MORE[0], broken]).await.unwrap_err();
        assert!(matches!(error, DatabaseError::Engine { .. }), "{error}");
        assert_eq!(migrate(&url, MORE).await.unwrap(), Migrated { from: 1, to: 2 });
    });
}
