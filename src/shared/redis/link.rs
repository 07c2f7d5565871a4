//! The connection to Redis: made when it is needed, and made again when it may be dead.
//!
//! In: a question. Out: its answer, or why there is none, in bounded time. A connection that did not
//! answer in time is given up: a firewall may have dropped it, and its later answers would be those
//! of other questions.

use std::{
    sync::atomic::{AtomicU64, Ordering},
    time::Duration,
};

use redis::{
    AsyncConnectionConfig, Client, ConnectionAddr, ConnectionInfo, FromRedisValue,
    IntoConnectionInfo as _, RedisConnectionInfo, RedisError, ScriptInvocation, TlsCertificates,
    aio::MultiplexedConnection,
};
use tokio::{
    sync::Mutex,
    time::{Instant, timeout},
};

use crate::{
    config::{Shared, SharedPlace, read_authorities},
    shared::SharedError,
};

/// After a connection could not be made, questions are refused at once for this long.
const PAUSE: Duration = Duration::from_millis(100);
/// The most questions that wait for an answer. More are refused.
const MAX_IN_FLIGHT: usize = 2048;

/// The connection, which all questions share.
pub(super) struct Link {
    client: Client,
    patience: Duration,
    state: Mutex<State>,
    places: tokio::sync::Semaphore,
    made: AtomicU64,
}

#[derive(Default)]
struct State {
    connection: Option<(u64, MultiplexedConnection)>,
    /// No connection is tried before this, for this reason.
    paused: Option<(Instant, SharedError)>,
}

/// The client of these settings. It is not connected.
///
/// # Errors
///
/// The reason, if the authorities cannot be read.
pub(super) fn client(settings: &Shared) -> Result<Client, String> {
    let told = |error: RedisError| SharedError::shown(&error.to_string());
    let mut redis = RedisConnectionInfo::default()
        .set_db(i64::from(settings.url.database))
        .set_lib_name("rownd-authz", env!("CARGO_PKG_VERSION"));
    if let Some(username) = &settings.username {
        redis = redis.set_username(username.expose());
    }
    if let Some(password) = &settings.password {
        redis = redis.set_password(password.expose());
    }
    let of = |address: ConnectionAddr| -> Result<ConnectionInfo, String> {
        Ok(address.into_connection_info().map_err(told)?.set_redis_settings(redis))
    };
    match &settings.url.place {
        SharedPlace::Unix(path) => {
            Client::open(of(ConnectionAddr::Unix(path.clone()))?).map_err(told)
        }
        SharedPlace::Tcp { host, port, tls: false } => {
            Client::open(of(ConnectionAddr::Tcp(host.clone(), *port))?).map_err(told)
        }
        SharedPlace::Tcp { host, port, tls: true } => {
            let address = ConnectionAddr::TcpTls {
                host: host.clone(),
                port: *port,
                insecure: false,
                tls_params: None,
            };
            let root_cert = match &settings.tls.ca_file {
                Some(file) => {
                    let found = read_authorities(file).map_err(|problems| problems.join("; "))?;
                    Some(pem_of(found.iter().map(|authority| authority.der.as_ref())).into_bytes())
                }
                None => None,
            };
            let certificates = TlsCertificates { client_tls: None, root_cert };
            Client::build_with_tls(of(address)?, certificates).map_err(told)
        }
    }
}

/// Certificates in PEM, the form in which the library takes them.
fn pem_of<'a>(certificates: impl Iterator<Item = &'a [u8]>) -> String {
    let all: Vec<pem::Pem> = certificates.map(|der| pem::Pem::new("CERTIFICATE", der)).collect();
    pem::encode_many(&all)
}

impl Link {
    pub(super) fn new(client: Client, patience: Duration) -> Self {
        Self {
            client,
            patience,
            state: Mutex::default(),
            places: tokio::sync::Semaphore::new(MAX_IN_FLIGHT),
            made: AtomicU64::new(0),
        }
    }

    /// Asks, within twice the time limit: a connection may have to be made first.
    pub(super) async fn ask<T: FromRedisValue>(
        &self,
        question: &ScriptInvocation<'_>,
    ) -> Result<T, SharedError> {
        let Ok(_place) = self.places.try_acquire() else {
            return Err(SharedError::Unreachable("too many questions are waiting".to_owned()));
        };
        // The first one makes the connection for all that wait here.
        let connected = timeout(self.patience, self.connection()).await;
        let (number, mut connection) = match connected {
            Ok(connected) => connected?,
            Err(_elapsed) => return Err(SharedError::Late),
        };
        let answer = timeout(self.patience, question.invoke_async(&mut connection)).await;
        let error = match answer {
            Ok(Ok(answer)) => return Ok(answer),
            Ok(Err(error)) => error,
            Err(_elapsed) => {
                self.give_up(number).await;
                return Err(SharedError::Late);
            }
        };
        let (error, is_dead) = judge(&error);
        if is_dead {
            self.give_up(number).await;
        }
        Err(error)
    }

    async fn connection(&self) -> Result<(u64, MultiplexedConnection), SharedError> {
        let mut state = self.state.lock().await;
        if let Some(connection) = &state.connection {
            return Ok(connection.clone());
        }
        if let Some((until, error)) = &state.paused
            && Instant::now() < *until
        {
            return Err(error.clone());
        }
        let config = AsyncConnectionConfig::new()
            .set_connection_timeout(Some(self.patience))
            .set_response_timeout(None);
        match self.client.get_multiplexed_async_connection_with_config(&config).await {
            Ok(connection) => {
                let number = self.made.fetch_add(1, Ordering::Relaxed);
                state.paused = None;
                state.connection = Some((number, connection.clone()));
                Ok((number, connection))
            }
            Err(error) => {
                let (error, _) = judge(&error);
                state.paused = Some((Instant::now() + PAUSE, error.clone()));
                Err(error)
            }
        }
    }

    /// The connection of this number is not used again.
    async fn give_up(&self, number: u64) {
        let mut state = self.state.lock().await;
        if state.connection.as_ref().is_some_and(|(known, _)| *known == number) {
            state.connection = None;
        }
    }
}

/// The error as the rooms know it, and whether its connection may be dead, or leads to a server
/// that does not take writes.
pub(super) fn judge(error: &RedisError) -> (SharedError, bool) {
    let text = || SharedError::shown(&error.to_string());
    match error.code() {
        Some("OOM" | "FULL") => (SharedError::Full(text()), false),
        Some("READONLY" | "NOAUTH" | "LOADING" | "MASTERDOWN" | "UNKILLABLE") => {
            (SharedError::Refused(text()), true)
        }
        Some(_) => (SharedError::Refused(text()), false),
        None if error.is_timeout() => (SharedError::Late, true),
        None => (SharedError::Unreachable(text()), true),
    }
}
