use std::net::{Ipv4Addr, TcpListener};

use futures_util::future::join_all;
use jiff::Timestamp;
use sqlx::ConnectOptions as _;
use sqlx::postgres::PgConnectOptions;

use super::harness::{LIMITS, PostgresDatabase};
use super::proxy::{Proxy, State};
use super::*;

fn address(options: &PgConnectOptions) -> Address {
    Address::parse(options.to_url_lossy().as_str()).unwrap()
}

async fn refused(options: &PgConnectOptions) -> String {
    let refused = Store::open_postgres(&address(options), LIMITS).await;
    let text = refused.unwrap_err().to_string();
    assert!(!text.contains('\n') && !text.contains("sesame"), "{text}");
    text
}

#[tokio::test]
async fn what_is_wrong_with_an_address_is_told() {
    let Some(database) = PostgresDatabase::make().await else {
        return;
    };
    let good = database.address.options().clone();
    database
        .lend(async {
            let text = refused(&good.clone().password("sesame")).await;
            assert!(text.contains("refuses the login"), "{text}");
            let text = refused(&good.clone().username("nobody").password("sesame")).await;
            assert!(text.contains("refuses the login"), "{text}");
            let text = refused(&good.clone().database("tiltyard_absent")).await;
            assert!(text.contains("`createdb tiltyard_absent`"), "{text}");
        })
        .await;
}

#[tokio::test]
async fn a_server_that_is_not_there_or_silent_is_told() {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let port = listener.local_addr().unwrap().port();
    let options = PgConnectOptions::new_without_pgpass()
        .host("127.0.0.1")
        .port(port)
        .username("ann")
        .password("sesame")
        .database("game");
    tokio::time::pause();
    let text = refused(&options).await;
    assert!(text.contains("does not answer"), "{text}");
    tokio::time::resume();
    drop(listener);
    let text = refused(&options).await;
    let expected = format!("cannot connect to postgres://ann@127.0.0.1:{port}/game: ");
    assert!(text.starts_with(&expected), "{text}");
}

#[tokio::test]
async fn servers_that_start_together_share_a_database() {
    let Some(database) = PostgresDatabase::make().await else {
        return;
    };
    let address = database.address.clone();
    database
        .lend(async {
            let opened = join_all((0..4).map(|_| Store::open_postgres(&address, LIMITS))).await;
            for store in opened {
                store.unwrap().close().await;
            }
        })
        .await;
}

#[tokio::test]
async fn the_schema_is_looked_at_without_a_change() {
    use crate::config::{self, Command, Defaults};

    let Some(database) = PostgresDatabase::make().await else {
        return;
    };
    let address = database.address.clone();
    let given = address.options().to_url_lossy().to_string();
    let args = ["--database.address".into(), given.into()];
    let Ok(Command::Run(config)) = config::load(args, [], &Defaults::new()) else {
        panic!("expected to run");
    };
    database
        .lend(async {
            for done in [false, false, true] {
                if done {
                    Store::open(&config).await.unwrap().close().await;
                }
                let found = schema(&config).await.unwrap();
                assert_eq!(found.database, address.to_string());
                assert!(found.steps.len() > 2);
                assert!(
                    found.steps.iter().all(|step| step.done == done),
                    "{found:?}"
                );
            }
        })
        .await;
}

#[tokio::test]
async fn a_database_of_a_later_version_is_told() {
    let Some(database) = PostgresDatabase::make().await else {
        return;
    };
    let address = database.address.clone();
    database
        .lend(async {
            let store = Store::open_postgres(&address, LIMITS).await.unwrap();
            let later = database::sql(
                "INSERT INTO _sqlx_migrations \
                     (version, description, success, checksum, execution_time) \
                 VALUES (9000, 'later', TRUE, '', 0)",
            );
            store.database.execute(later).await.unwrap();
            let text = refused(address.options()).await;
            assert!(
                text.contains("later version") && text.contains("9000"),
                "{text}"
            );
        })
        .await;
}

#[tokio::test]
async fn a_server_that_freezes_or_goes_is_unavailable_until_it_is_back() {
    let Some(database) = PostgresDatabase::make().await else {
        return;
    };
    let options = database.address.options().clone();
    database
        .lend(async {
            let proxy = Proxy::start(options.get_host(), options.get_port()).await;
            let options = options.clone().host("127.0.0.1").port(proxy.port());
            let store = Store::open_postgres(&address(&options), LIMITS).await;
            let store = store.unwrap();
            for (number, state) in [State::Frozen, State::Gone].into_iter().enumerate() {
                make(&store, &format!("before{number}")).await.unwrap();
                proxy.be(state);
                // With the clock standing still every deadline is over at once.
                tokio::time::pause();
                let lost = make(&store, "lost").await;
                assert!(matches!(lost, Err(StoreError::Unavailable(_))), "{lost:?}");
                let ids = Identifier::Custom("before0".to_owned());
                let read = store.find_login(&ids).await;
                assert!(matches!(read, Err(StoreError::Unavailable(_))), "{read:?}");
                tokio::time::resume();
                proxy.be(State::Flowing);
                make(&store, &format!("after{number}")).await.unwrap();
                let ids = Identifier::Custom(format!("before{number}"));
                store.find_login(&ids).await.unwrap().unwrap();
            }
            store.close().await;
        })
        .await;
}

async fn make(store: &Store, name: &str) -> Result<uuid::Uuid, StoreError> {
    let account = NewAccount {
        identifier: Identifier::Custom(name.to_owned()),
        username: name.to_owned(),
        password_hash: None,
    };
    store.create_account(&account, Timestamp::UNIX_EPOCH).await
}
