//! The server: its configuration, its shared state, its start and end.

use std::fmt;
use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use jiff::Timestamp;
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio_util::sync::{CancellationToken, DropGuard};
use tokio_util::task::TaskTracker;

use crate::delivery::{self, DeliveryState, Endpoint, RetryPolicy};
use crate::faults::Fault;
use crate::forge::{self, Answer, ForgeError, Forgery};
use crate::state::{Inner, State};
use crate::ticket::{NewTicket, Status, Ticket, TicketChange};
use crate::tracker::{Event, TrackerError};
use crate::{control, pages, rest};

/// How long a stop waits for calls that are under way.
const GRACE: Duration = Duration::from_secs(2);

/// Tells the time.
pub type Clock = Arc<dyn Fn() -> Timestamp + Send + Sync>;

/// How the simulator is set up.
#[derive(Clone)]
pub struct Config {
    /// Where to listen; port 0 takes a free one.
    pub bind: SocketAddr,
    /// The bearer token of the REST API.
    pub token: String,
    /// Where webhooks go at first.
    pub webhook: Option<Endpoint>,
    /// When failed deliveries are tried again.
    pub retry: RetryPolicy,
    /// Whether a status that the service sets comes back to it as a webhook, as in a real tracker.
    pub echo_status_changes: bool,
    /// Whether a ticket's `url` is the simulator's own page, whatever URL it was created with.
    pub own_pages: bool,
    /// Tells the time.
    pub clock: Clock,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            bind: SocketAddr::from((Ipv4Addr::LOCALHOST, 0)),
            token: "flux-lens-sim-token".to_owned(),
            webhook: None,
            retry: RetryPolicy::default(),
            echo_status_changes: true,
            own_pages: true,
            clock: Arc::new(Timestamp::now),
        }
    }
}

impl fmt::Debug for Config {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Config").field("bind", &self.bind).field("webhook", &self.webhook).finish_non_exhaustive()
    }
}

/// What all requests and deliveries share.
pub(crate) struct App {
    config: Config,
    base_url: String,
    inner: Mutex<Inner>,
    changed: watch::Sender<u64>,
    http: reqwest::Client,
    tasks: TaskTracker,
    stop: CancellationToken,
}

impl App {
    fn lock(&self) -> MutexGuard<'_, Inner> {
        // A panic elsewhere cannot leave the state half changed in a way that matters to a simulator.
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn read<T>(&self, read: impl FnOnce(&Inner) -> T) -> T {
        read(&self.lock())
    }

    /// Changes the state, then wakes who waits for a change.
    pub(crate) fn change<T>(&self, change: impl FnOnce(&mut Inner) -> T) -> T {
        let result = change(&mut self.lock());
        self.changed.send_modify(|count| *count += 1);
        result
    }

    pub(crate) fn now(&self) -> Timestamp {
        (self.config.clock)()
    }

    pub(crate) fn token(&self) -> &str {
        &self.config.token
    }

    pub(crate) fn retry_policy(&self) -> &RetryPolicy {
        &self.config.retry
    }

    pub(crate) fn http(&self) -> &reqwest::Client {
        &self.http
    }

    pub(crate) fn tasks(&self) -> &TaskTracker {
        &self.tasks
    }

    pub(crate) fn stopping(&self) -> CancellationToken {
        self.stop.clone()
    }

    pub(crate) fn create(self: &Arc<Self>, new: NewTicket) -> Result<Ticket, TrackerError> {
        let page = |id: &str| self.config.own_pages.then(|| format!("{}/t/{id}", self.base_url));
        let event = self.change(|state| state.tracker.create(new, page, self.now()))?;
        self.tell(&event);
        Ok(event.ticket)
    }

    /// Changes a ticket as a person does.
    pub(crate) fn edit(self: &Arc<Self>, id: &str, change: TicketChange) -> Result<(), TrackerError> {
        let event = self.change(|state| state.tracker.change(id, change, self.now()))?;
        if let Some(event) = event {
            self.tell(&event);
        }
        Ok(())
    }

    /// Moves a ticket as the service does.
    pub(crate) fn set_status_by_integration(self: &Arc<Self>, id: &str, status: Status) -> Result<(), TrackerError> {
        let event = self.change(|state| state.tracker.set_status(id, status, self.now()))?;
        if let Some(event) = event.filter(|_| self.config.echo_status_changes) {
            self.tell(&event);
        }
        Ok(())
    }

    /// Starts to deliver an event.
    fn tell(self: &Arc<Self>, event: &Event) {
        let now = self.now();
        let pending = self.change(|state| {
            let state_of = if state.endpoint.is_some() { DeliveryState::Pending } else { DeliveryState::Skipped };
            let delivery = delivery::for_event(event, now, state_of);
            let id = delivery.id.clone();
            state.deliveries.push(delivery);
            (state_of == DeliveryState::Pending).then_some(id)
        });
        if let Some(id) = pending {
            delivery::dispatch(self, id);
        }
    }

    /// Delivers a message once more; says whether there is one with this id.
    pub(crate) fn redeliver(self: &Arc<Self>, id: &str) -> bool {
        let found = self.change(|state| {
            let delivery = state.deliveries.iter_mut().find(|delivery| delivery.id == id);
            delivery.map(|delivery| delivery.state = DeliveryState::Pending).is_some()
        });
        if found {
            delivery::dispatch(self, id.to_owned());
        }
        found
    }
}

/// A running simulator. Dropping it stops it without waiting.
pub struct Running {
    address: SocketAddr,
    app: Arc<App>,
    task: JoinHandle<io::Result<()>>,
    stop: DropGuard,
}

/// What was waited for did not happen.
#[derive(Debug, thiserror::Error)]
#[error("what was waited for did not happen within {limit:?}; the tracker's state is {state:#?}")]
pub struct TimedOut {
    /// How long it was waited.
    pub limit: Duration,
    /// The state in the end.
    pub state: Box<State>,
}

/// Starts the simulator.
///
/// # Errors
/// When the address cannot be bound or no HTTP client can be made.
pub async fn start(config: Config) -> io::Result<Running> {
    let listener = TcpListener::bind(config.bind).await?;
    let address = listener.local_addr()?;
    let stop = CancellationToken::new();
    // Receivers are on this machine, whatever proxy the environment names; a redirect is an answer like another.
    let http = reqwest::Client::builder().no_proxy().redirect(reqwest::redirect::Policy::none());
    let app = Arc::new(App {
        base_url: format!("http://{address}"),
        inner: Mutex::new(Inner { endpoint: config.webhook.clone(), ..Inner::default() }),
        changed: watch::Sender::new(0),
        http: http.build().map_err(io::Error::other)?,
        tasks: TaskTracker::new(),
        stop: stop.clone(),
        config,
    });
    let router = rest::router(&app).merge(control::router()).merge(pages::router()).with_state(Arc::clone(&app));
    let serve = axum::serve(listener, router).with_graceful_shutdown(stop.clone().cancelled_owned());
    tracing::debug!(%address, "the Flux Lens simulator listens");
    Ok(Running { address, app, task: tokio::spawn(serve.into_future()), stop: stop.drop_guard() })
}

impl Running {
    /// `http://127.0.0.1:PORT`: the base URL of the REST API and of the pages.
    pub fn base_url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Sets where webhooks go, or stops them.
    pub fn send_webhooks_to(&self, endpoint: Option<Endpoint>) {
        self.app.change(|state| state.endpoint = endpoint);
    }

    /// Creates a ticket and tells the service.
    ///
    /// # Errors
    /// When the id is taken.
    pub fn create(&self, ticket: NewTicket) -> Result<Ticket, TrackerError> {
        self.app.create(ticket)
    }

    /// Changes a ticket as a person does, and tells the service if anything differs.
    ///
    /// # Errors
    /// When there is no such ticket or it is cancelled.
    pub fn change(&self, id: &str, change: TicketChange) -> Result<(), TrackerError> {
        self.app.edit(id, change)
    }

    /// Cancels a ticket as a person does, and tells the service.
    ///
    /// # Errors
    /// When there is no such ticket.
    pub fn cancel(&self, id: &str) -> Result<(), TrackerError> {
        self.app.edit(id, TicketChange { status: Some(Status::Cancelled), ..TicketChange::default() })
    }

    /// Delivers a message once more, under the same id; says whether there is one.
    pub fn redeliver(&self, delivery: &str) -> bool {
        self.app.redeliver(delivery)
    }

    /// Sends a delivery that Flux Lens would not send, and waits for the answers, one per copy.
    ///
    /// # Errors
    /// When there is no endpoint, or no such ticket to tell about.
    pub async fn forge(&self, forgery: Forgery) -> Result<Vec<Answer>, ForgeError> {
        forge::send(&self.app, forgery).await
    }

    /// Orders a fault of the REST API.
    pub fn inject(&self, fault: Fault) {
        self.app.change(|state| state.faults.push(fault));
    }

    /// Everything, as it now is.
    pub fn state(&self) -> State {
        self.app.read(Inner::snapshot)
    }

    /// Waits until `done`, and returns the state in which it was.
    ///
    /// # Errors
    /// When it takes longer than `limit`.
    pub async fn until(&self, limit: Duration, done: impl Fn(&State) -> bool) -> Result<State, TimedOut> {
        let mut changes = self.app.changed.subscribe();
        let wait = async {
            loop {
                changes.borrow_and_update();
                let state = self.state();
                // The sender lives as long as this simulator, so waiting for it cannot fail.
                if done(&state) || changes.changed().await.is_err() {
                    return state;
                }
            }
        };
        let waited = tokio::time::timeout(limit, wait).await;
        waited.map_err(|_| TimedOut { limit, state: Box::new(self.state()) })
    }

    /// Stops: deliveries are dropped where they are, calls get two seconds to end.
    pub async fn shutdown(self) {
        let Self { app, mut task, stop, .. } = self;
        drop(stop);
        app.tasks.close();
        app.tasks.wait().await;
        if tokio::time::timeout(GRACE, &mut task).await.is_err() {
            tracing::debug!("a client kept its connection busy; it is left behind");
            task.abort();
        }
    }
}
