//! What a store is told by its format: steps forward, and refusals.

use lazaret_testkit::PostgresServer;

use super::*;

/// The first format and one that never was.
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

/// Makes a store of the first format, as programs of that time did.
async fn first_store(folder: &tempfile::TempDir) -> StoreUrl {
    let path = folder.path().join("store.db");
    std::fs::File::create(&path).unwrap();
    let url = StoreUrl::from(path.as_path());
    make(&url, &Meta::new(), &MIGRATIONS[..1]).await.unwrap();
    url
}

async fn append(writer: &Writer) -> Result<u64, WriterError<DatabaseError>> {
    writer.run(|transaction| Box::pin(transaction.append(vec![1], Timestamp::UNIX_EPOCH))).await
}

#[test]
fn a_store_of_every_earlier_format_is_brought_to_the_present_one() {
    let folder = tempfile::tempdir().unwrap();
    let server = PostgresServer::default();
    block_on(async {
        let newest = migration::newest(MIGRATIONS);
        for earlier in 1..newest {
            let file = folder.path().join(earlier.to_string());
            std::fs::File::create(&file).unwrap();
            for place in [file.display().to_string(), server.database(&format!("format_{earlier}"))] {
                let url: StoreUrl = place.parse().unwrap();
                let meta = Meta::from([("maker".to_owned(), "ada".to_owned())]);
                make(&url, &meta, &MIGRATIONS[..earlier as usize]).await.unwrap();
                let error = Database::open(&url).await.unwrap_err();
                assert!(matches!(error, DatabaseError::Older { .. }), "{error}");
                assert!(error.to_string().ends_with("run `lazaret store migrate`"), "{error}");
                let migrated = Database::migrate(&url).await.unwrap();
                assert_eq!(migrated, Migrated { from: earlier, to: newest });
                let database = Database::open(&url).await.unwrap();
                assert_eq!(database.meta().await.unwrap()["maker"], "ada");
                assert_eq!(append(&Writer::start(&database)).await.unwrap(), 0);
                assert_eq!(Database::migrate(&url).await.unwrap(), Migrated { from: newest, to: newest });
            }
        }
    });
}

#[test]
fn a_store_goes_forward_once_and_is_then_beyond_older_programs() {
    let folder = tempfile::tempdir().unwrap();
    block_on(async {
        let url = new_store(&folder).await;
        let database = Database::open(&url).await.unwrap();
        let writer = Writer::start(&database);
        let mut more = MIGRATIONS.to_vec();
        more.push(MORE[1]);
        let (from, to) = (migration::newest(MIGRATIONS), migration::newest(&more));
        assert_eq!(migrate(&url, &more).await.unwrap(), Migrated { from, to });
        assert_eq!(migrate(&url, &more).await.unwrap(), Migrated { from: to, to });
        let error = Database::open(&url).await.unwrap_err();
        assert!(matches!(error, DatabaseError::Newer { .. }), "{error}");
        let said = format!("has the format `lazaret.store/{to}`, and this program knows");
        assert!(error.to_string().contains(&said), "{error}");
        // A process that had opened it before notices as well.
        let refused = append(&writer).await.unwrap_err();
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
        let url = first_store(&folder).await;
        let broken = Migration {
            sqlite: "CREATE TABLE later (id INTEGER); CREATE TABLE later (id INTEGER);",
            ..MORE[1]
        };
        let error = migrate(&url, &[MORE[0], broken]).await.unwrap_err();
        assert!(matches!(error, DatabaseError::Engine { .. }), "{error}");
        assert_eq!(migrate(&url, MORE).await.unwrap(), Migrated { from: 1, to: 2 });
    });
}
