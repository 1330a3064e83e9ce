//! The conversation of a worker with its coordinator: it comes, says what there is to say, hears, and comes again.
//!
//! One rule: nothing here waits for training, and nothing that trains waits for this; what is to be said and what was heard lie in
//! [`Shared`].

use super::{Error, FIRST_PAUSE, LARGE, LONGEST_PAUSE, MANY, Outgoing, Shared, Standing, Worker};
use super::{chunks, is_final, key, random, wire};
use prost::Message;
use std::sync::Arc;
use std::time::Duration;
use sweep_core::job::{Call, Key};
use sweep_proto::client::Authorized;
use sweep_proto::v1::workers_client::WorkersClient;
use sweep_proto::{MAX_MESSAGE, PROTOCOL, client, v1};
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;
use tonic::Status;

/// How a conversation ended.
enum End {
    /// The connection dropped, or never stood; why, and whether there had been a welcome.
    Lost(String, bool),
    /// There is no use in trying again.
    Final(Error),
    /// The worker is done.
    Goodbye,
}

/// Converses until the worker is done or the coordinator will not have it.
pub(super) async fn converse_for_ever(shared: Arc<Shared>) {
    let mut pause = FIRST_PAUSE;
    let mut complained = false;
    loop {
        let end = converse(&shared).await;
        match end {
            End::Goodbye => return,
            End::Final(error) => {
                shared.client.send_replace(Standing::Ended(error));
                shared.state().calls.push_back(Call::Leases);
                shared.hear.notify_one();
                return;
            }
            End::Lost(why, welcomed) => {
                shared.client.send_replace(Standing::Down);
                if welcomed {
                    (pause, complained) = (FIRST_PAUSE, false);
                }
                if shared.state().closing {
                    return;
                }
                // Once for an outage; what runs goes on.
                if !complained {
                    tracing::warn!("the coordinator is out of reach, training goes on and it is tried again: {why}");
                    complained = true;
                } else {
                    tracing::debug!("still out of reach: {why}");
                }
            }
        }
        // Half of it by chance, so that a thousand workers do not come at once. It grows slowly: a coordinator that is started
        // anew serves within a second.
        let share = (random() % 1_000) as f64 / 1_000.0;
        tokio::time::sleep(pause.mul_f64(0.5 + 0.5 * share)).await;
        pause = pause.mul_f64(1.25).min(LONGEST_PAUSE);
    }
}

/// One conversation.
async fn converse(shared: &Arc<Shared>) -> End {
    let channel = match shared.address.connect().await {
        Ok(channel) => channel,
        Err(error @ client::Error::Unreachable { .. }) => return End::Lost(error.to_string(), false),
        Err(error) => return End::Final(Error::Address(error.to_string())),
    };
    let mut client = WorkersClient::new(channel).max_decoding_message_size(MAX_MESSAGE);
    let (out, outbound) = mpsc::channel(16);
    let hello = hello(shared);
    // The channel is new: there is room.
    let _ = out.try_send(says(v1::from_worker::Says::Hello(hello)));
    let mut inbound = match client.work(ReceiverStream::new(outbound)).await {
        Ok(response) => response.into_inner(),
        Err(status) => return ended(&status, false),
    };
    let welcome = match inbound.message().await {
        Ok(Some(v1::ToWorker { says: Some(v1::to_worker::Says::Welcome(welcome)) })) => welcome,
        Ok(_) => return End::Lost("it did not welcome this worker".to_owned(), false),
        Err(status) => return ended(&status, false),
    };
    tracing::info!(
        "connected to {} as {}; {} leases kept, {} lost",
        shared.address.url,
        shared.worker.name,
        welcome.kept.len(),
        welcome.lost.len()
    );
    cancel(shared, welcome.lost);
    {
        let mut state = shared.state();
        state.told = false;
        state.outbox.values_mut().for_each(|outgoing| outgoing.sent = false);
    }
    shared.client.send_replace(Standing::Up(client.clone()));
    let mut beats = tokio::time::interval(Duration::from_millis(welcome.heartbeat_ms.max(10)));
    shared.say.notify_one();
    loop {
        let message = tokio::select! {
            message = inbound.message() => Some(message),
            () = shared.say.notified() => None,
            _ = beats.tick() => {
                if out.send(says(v1::from_worker::Says::Heartbeat(v1::Heartbeat {}))).await.is_err() {
                    return End::Lost("the connection dropped".to_owned(), true);
                }
                continue;
            }
        };
        match message {
            Some(Ok(Some(message))) => heard(shared, message),
            Some(Ok(None)) => return End::Lost("it ended the conversation".to_owned(), true),
            Some(Err(status)) => return ended(&status, true),
            None => {
                if shared.state().closing {
                    return End::Goodbye;
                }
                let (messages, large) = to_say(shared);
                for message in messages {
                    if out.send(says(message)).await.is_err() {
                        return End::Lost("the connection dropped".to_owned(), true);
                    }
                }
                for report in large {
                    tokio::spawn(deliver(Arc::clone(shared), client.clone(), report));
                }
            }
        }
    }
}

fn hello(shared: &Shared) -> v1::Hello {
    let Worker { name, provenance, cores, slots } = &shared.worker;
    v1::Hello {
        worker: name.clone(),
        protocol: PROTOCOL,
        provenance: Some(provenance.into()),
        cores: *cores,
        slots: *slots,
        holds: shared.state().held.iter().cloned().map(wire).collect(),
    }
}

/// What is to be said: messages, and reports that are too large for one.
fn to_say(shared: &Shared) -> (Vec<v1::from_worker::Says>, Vec<v1::Report>) {
    let mut state = shared.state();
    let (mut messages, mut large, mut batch, mut size) = (Vec::new(), Vec::new(), Vec::new(), 0);
    for outgoing in state.outbox.values_mut().filter(|outgoing| !outgoing.sent) {
        outgoing.sent = true;
        let bytes = outgoing.report.encoded_len();
        if bytes > LARGE {
            large.push(outgoing.report.clone());
            continue;
        }
        if size + bytes > LARGE || batch.len() == MANY {
            messages.push(v1::from_worker::Says::Reports(v1::Reports { reports: std::mem::take(&mut batch) }));
            size = 0;
        }
        size += bytes;
        batch.push(outgoing.report.clone());
    }
    if !batch.is_empty() {
        messages.push(v1::from_worker::Says::Reports(v1::Reports { reports: batch }));
    }
    if !state.told {
        state.told = true;
        messages.push(v1::from_worker::Says::Want(v1::Want { idle: state.wanted as u32 }));
    }
    (messages, large)
}

/// Takes what the coordinator says.
fn heard(shared: &Shared, message: v1::ToWorker) {
    use v1::to_worker::Says;
    let keys = |keys: Vec<v1::LeaseKey>| keys.into_iter().map(key).collect();
    let call = match message.says {
        Some(Says::Leases(v1::Leases { leases })) => {
            let mut state = shared.state();
            let named: Vec<Key> = leases.iter().filter_map(|lease| lease.key.clone()).map(key).collect();
            state.held.extend(named);
            state.inbox.extend(leases);
            // The wish is fulfilled; the worker wishes again.
            state.wanted = 0;
            Some(Call::Leases)
        }
        Some(Says::Acknowledged(told)) => {
            acknowledged(shared, told);
            None
        }
        Some(Says::GiveBack(v1::GiveBack { leases })) => Some(Call::GiveBack(keys(leases))),
        Some(Says::Cancel(v1::Cancel { leases })) => {
            cancel(shared, leases);
            None
        }
        Some(Says::Drain(v1::Drain { reason })) => {
            tracing::warn!("the coordinator sends this worker away: {reason}");
            Some(Call::Drain)
        }
        // A second welcome, or something that a later version says.
        Some(Says::Welcome(_)) | None => None,
    };
    if let Some(call) = call {
        shared.state().calls.push_back(call);
        shared.hear.notify_one();
    }
}

/// These reports are durable.
fn acknowledged(shared: &Shared, told: v1::Acknowledged) {
    let mut state = shared.state();
    let refused = told.refused.into_iter().map(|refused| (refused.id, Some(refused.why)));
    for (id, why) in told.ids.into_iter().map(|id| (id, None)).chain(refused) {
        let Some(Outgoing { report, key, done, .. }) = state.outbox.remove(&id) else { continue };
        let Key { sweep, cell, fence } = &key;
        match (why, report.ending) {
            (Some(why), _) => tracing::warn!("the report of cell {sweep}/{cell} (fence {fence}) was not taken: {why}"),
            (None, Some(v1::report::Ending::Outcome(_))) => {
                tracing::debug!("acknowledged {sweep}/{cell} fence {fence}")
            }
            (None, _) => {}
        }
        state.held.remove(&key);
        // Nobody waits where the worker was dropped.
        let _ = done.send(());
    }
}

/// These leases hold no longer.
fn cancel(shared: &Shared, leases: Vec<v1::LeaseKey>) {
    if leases.is_empty() {
        return;
    }
    let keys: Vec<Key> = leases.into_iter().map(key).collect();
    let mut state = shared.state();
    state.held.retain(|held| !keys.contains(held));
    state.inbox.retain(|lease| !lease.key.clone().is_some_and(|lease| keys.contains(&key(lease))));
    state.calls.push_back(Call::Cancel(keys));
    shared.hear.notify_one();
}

/// Delivers a large report in chunks, within this conversation; the next one sends it again where it failed.
async fn deliver(shared: Arc<Shared>, mut client: WorkersClient<Authorized>, report: v1::Report) {
    let of = v1::header::Of::Report(v1::ReportHeader { worker: shared.worker.name.clone() });
    let id = report.id;
    let stream = tokio_stream::iter(chunks(of, &report.encode_to_vec()));
    drop(report);
    match client.deliver(stream).await {
        Ok(told) => acknowledged(&shared, told.into_inner()),
        Err(status) => {
            tracing::debug!("failed to deliver a large report, trying again: {}", status.message());
            tokio::time::sleep(Duration::from_secs(1)).await;
            if let Some(outgoing) = shared.state().outbox.get_mut(&id) {
                outgoing.sent = false;
            }
            shared.say.notify_one();
        }
    }
}

fn ended(status: &Status, welcomed: bool) -> End {
    if is_final(status) {
        End::Final(Error::Refused(status.message().to_owned()))
    } else {
        End::Lost(status.message().to_owned(), welcomed)
    }
}

fn says(says: v1::from_worker::Says) -> v1::FromWorker {
    v1::FromWorker { says: Some(says) }
}
