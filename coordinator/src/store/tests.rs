//! What can only be asked from inside: every statement on both databases, a full disk, a second owner.

#[path = "../../tests/support/postgres.rs"]
mod postgres;

use super::database::{Row, args};
use super::describe::relations;
use super::*;
use std::collections::BTreeMap;
use sweep_core::outcome::COLUMNS;

async fn both() -> (tempfile::TempDir, [Store; 2]) {
    let directory = tempfile::tempdir().unwrap();
    let sqlite = Location::Sqlite(directory.path().join("x.db"));
    let postgres = Location::Postgres(postgres::fresh_database());
    let stores = [Store::open(&sqlite, 1).await.unwrap(), Store::open(&postgres, 1).await.unwrap()];
    (directory, stores)
}

#[tokio::test]
async fn both_databases_understand_every_statement() {
    let (_directory, stores) = both().await;
    for store in &stores {
        for text in statements::all(store.database.is_sqlite()) {
            let mut transaction = store.database.write().await.unwrap();
            transaction.prepare(text).await.unwrap_or_else(|e| panic!("{text}: {e}"));
        }
    }
    assert!(statements::all(true).len() > 60);
}

/// Columns by relation, as the database lists them.
async fn schema(store: &Store) -> BTreeMap<String, Vec<String>> {
    const SQLITE: &str = "SELECT m.name, p.name FROM sqlite_schema m, pragma_table_info(m.name) p
        WHERE m.type IN ('table', 'view') AND m.name NOT LIKE 'sqlite_%' ORDER BY m.name, p.cid";
    const POSTGRES: &str = "SELECT CAST(table_name AS TEXT), CAST(column_name AS TEXT) FROM information_schema.columns
        WHERE table_schema = 'public' ORDER BY table_name, ordinal_position";
    let text = if store.database.is_sqlite() { SQLITE } else { POSTGRES };
    let mut columns: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for mut row in store.database.read().await.unwrap().rows(text, &[]).await.unwrap() {
        columns.entry(row.text().unwrap()).or_default().push(row.text().unwrap());
    }
    columns
}

#[tokio::test]
async fn the_schema_is_what_is_described_and_holds_every_recorded_scalar() {
    let (_directory, stores) = both().await;
    let described: BTreeMap<String, Vec<String>> =
        relations().into_iter().map(|r| (r.name, r.columns.into_iter().map(|(name, _, _)| name).collect())).collect();
    for store in &stores {
        let mut schema = schema(store).await;
        // Columns that came with a later migration stand last in their tables; those of a view stand as described.
        for relation in ["outcomes", "points"] {
            let place = |column: &String| described[relation].iter().position(|known| known == column);
            schema.get_mut(relation).unwrap().sort_by_key(place);
        }
        assert_eq!(schema, described);
        // Written out once more, without the code that made the description.
        for column in COLUMNS {
            assert!(schema["points"].iter().any(|c| c == column.name), "points.{}", column.name);
            for prefix in ["last", "oracle", "validated"] {
                let name = format!("{prefix}_{}", column.name);
                assert!(schema["outcomes"].contains(&name), "outcomes.{name}");
            }
        }
        assert_eq!(schema["points"].len(), COLUMNS.len() + 4);
    }
}

#[tokio::test]
async fn both_databases_give_view_columns_the_type_that_is_declared() {
    let (_directory, stores) = both().await;
    const POSTGRES: &str = "SELECT CAST(table_name AS TEXT), CAST(column_name AS TEXT), upper(CAST(data_type AS TEXT))
        FROM information_schema.columns WHERE table_schema = 'public'";
    let mut found = BTreeMap::new();
    for mut row in stores[1].database.read().await.unwrap().rows(POSTGRES, &[]).await.unwrap() {
        found.insert((row.text().unwrap(), row.text().unwrap()), row.text().unwrap());
    }
    for relation in relations() {
        for (column, kind, _) in &relation.columns {
            assert_eq!(found[&(relation.name.clone(), column.clone())], *kind, "{}.{column}", relation.name);
        }
    }
}

async fn small_store(path: &std::path::Path) -> Store {
    Store::open(&Location::Sqlite(path.to_owned()), 1).await.unwrap()
}

#[tokio::test]
async fn a_full_disk_is_said_and_loses_nothing() {
    let directory = tempfile::tempdir().unwrap();
    let store = small_store(&directory.path().join("x.db")).await;
    let kept = store.save_blob(b"kept").await.unwrap();
    let limit = async |text: &'static str| {
        store.database.outside(text).await.unwrap();
    };
    limit("PRAGMA max_page_count = 200").await;
    let large = vec![7u8; 4 << 20];
    let full = store.save_blob(&large).await.unwrap_err();
    assert!(matches!(full, Error::Full), "{full}");
    assert_eq!(store.blob(&kept).await.unwrap().as_deref(), Some(&b"kept"[..]));
    let sound = store.database.read().await.unwrap().row("PRAGMA integrity_check", &[]).await.unwrap();
    assert_eq!(sound.map(|mut row: Row| row.text().unwrap()).as_deref(), Some("ok"));
    limit("PRAGMA max_page_count = 1000000").await;
    let hash = store.save_blob(&large).await.unwrap();
    assert_eq!(store.blob(&hash).await.unwrap().map(|b| b.len()), Some(large.len()), "it goes on once there is room");
}

#[tokio::test]
async fn one_process_writes_and_others_read() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("x.db");
    let location = Location::Sqlite(path.clone());
    assert!(matches!(Store::read(&location).await, Err(Error::Missing(p)) if p == path));
    let store = small_store(&path).await;
    let refused = Store::open(&location, 2).await.unwrap_err().to_string();
    assert!(refused.contains(&format!("in use by process {}", std::process::id())), "{refused}");

    let reader = Store::read(&location).await.unwrap();
    // In the middle of a write, the reader sees the state before, at once.
    let mut transaction = store.database.write().await.unwrap();
    transaction.execute(statements::ADD_BLOB, args!["h", 0u64]).await.unwrap();
    assert_eq!(reader.usage().await.unwrap().blob_bytes, 0);
    assert_eq!(reader.blob("h").await.unwrap(), None);
    transaction.commit().await.unwrap();
    let limits = Limits::default();
    assert_eq!(reader.query("SELECT COUNT(*) FROM blobs", &limits).await.unwrap().rows, [[Datum::Int(1)]]);
    store.close().await;
    small_store(&path).await;
}

#[tokio::test]
async fn what_was_answered_is_in_the_files() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("x.db");
    let store = small_store(&path).await;
    let hash = store.save_blob(b"acknowledged").await.unwrap();
    // As after a power cut: the files as they are now, no orderly close.
    let copy = directory.path().join("copy.db");
    for end in ["", "-wal"] {
        std::fs::copy(format!("{}{end}", path.display()), format!("{}{end}", copy.display())).unwrap();
    }
    let after = small_store(&copy).await;
    assert_eq!(after.blob(&hash).await.unwrap().as_deref(), Some(&b"acknowledged"[..]));
}

#[tokio::test]
async fn places_that_cannot_hold_a_database_are_refused() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("file");
    std::fs::write(&file, "not a database\n".repeat(100)).unwrap();
    let below_a_file = Store::open(&Location::Sqlite(file.join("x.db")), 1).await.unwrap_err();
    assert!(matches!(below_a_file, Error::Unwritable { .. }), "{below_a_file}");
    // The kernel's own directories take no files, not even root's.
    #[cfg(target_os = "linux")]
    {
        let read_only = Store::open(&Location::Sqlite("/proc/sys/x.db".into()), 1).await.unwrap_err();
        let message = read_only.to_string();
        assert!(message.starts_with("/proc/sys/x.db cannot be written: "), "{message}");
    }
    let not_a_database = Store::open(&Location::Sqlite(file.clone()), 1).await.unwrap_err();
    assert!(not_a_database.to_string().contains("not a database"), "{not_a_database}");
    assert!(matches!(Store::read(&Location::Sqlite(file)).await, Err(Error::NotOurs(_))));
}

#[tokio::test]
async fn a_session_is_durable_whatever_the_default_of_the_database() {
    let url = postgres::fresh_database();
    let store = Store::open(&Location::Postgres(url.clone()), 1).await.unwrap();
    // Opening asserts `synchronous_commit`; without the session setting this default would fail it.
    let weaken = "ALTER DATABASE test_0 SET synchronous_commit = off";
    store.database.outside(weaken).await.unwrap();
    store.close().await;
    Store::open(&Location::Postgres(url), 2).await.unwrap();
}

#[tokio::test]
async fn a_postgres_database_has_one_writer_and_names_it() {
    const END_HOLDERS: &str = "DO $$ BEGIN PERFORM pg_terminate_backend(pid) FROM pg_locks WHERE locktype = 'advisory'
        AND database = (SELECT oid FROM pg_database WHERE datname = current_database()); END $$";
    let location = Location::Postgres(postgres::fresh_database());
    let first = Store::open(&location, 1).await.unwrap();
    let refused = Store::open(&location, 1).await.unwrap_err();
    assert!(matches!(refused, Error::Locked { .. }), "{refused}");
    let holder = format!("in use by sweep process {} (server process ", std::process::id());
    assert!(refused.to_string().contains(&holder), "{refused}");
    Store::read(&location).await.unwrap();

    // A server that was restarted has forgotten the lock; the owner takes it again, unless another was faster.
    first.database.outside(END_HOLDERS).await.unwrap();
    first.assert_owner().await.unwrap();
    assert!(matches!(Store::open(&location, 1).await, Err(Error::Locked { .. })));
    first.database.outside(END_HOLDERS).await.unwrap();
    let second = Store::open(&location, 1).await.unwrap();
    assert!(matches!(first.assert_owner().await, Err(Error::Locked { .. })));
    second.assert_owner().await.unwrap();
    drop(second);
    first.assert_owner().await.unwrap();
}
