//! Sessions of one peer, memory of all requests, and clients that halt.

use super::*;

#[test]
fn a_peer_has_no_more_sessions_than_it_may() {
    let front = Front::new(SessionLimits {
        sessions_per_peer_max: 2,
        ..limits()
    });
    let mut first = front.client();
    let _second = front.client();
    assert_eq!(front.client().rest(), "");
    // Others are not concerned.
    let mut other = front.client_from([127, 0, 0, 2]);
    for client in [&mut first, &mut other] {
        client.send(&framed(&message(Form::Binary, CALL, 0, 3)));
        answer(front.take().1, "abc");
        assert_eq!(client.receive(7), frame_of("abc"));
    }
    drop(first);
    front.wait_for("one has left", |counts| counts.sessions == 2);
    let mut third = front.client();
    third.send(&framed(&message(Form::Binary, CALL, 0, 3)));
    answer(front.take().1, "abc");
    assert_eq!(third.receive(7), frame_of("abc"));
    let counts = front.frontend.counts();
    assert_eq!((counts.opened, counts.sessions), (4, 3));
    assert_eq!(counts.refused_sessions_per_peer_max, 1);
    assert_eq!(counts.refused_sessions_max, 0);
}

#[test]
fn all_peers_together_have_no_more_sessions_than_they_may() {
    let front = Front::new(SessionLimits {
        sessions_max: 1,
        ..limits()
    });
    let _first = front.client();
    front.wait_for("it is there", |counts| counts.sessions == 1);
    assert_eq!(front.client_from([127, 0, 0, 2]).rest(), "");
    assert_eq!(front.frontend.counts().refused_sessions_max, 1);
}

/// The memory of a message is its own until it is dropped.
#[test]
fn the_memory_of_a_message_comes_back_with_its_end() {
    for wire in WIRES {
        let front = Front::new(limits());
        let mut client = front.client();
        client.send(&call(wire, 0, 100_000));
        let (message, reply) = front.take();
        assert!(message.bytes().len() > 100_000);
        let used = front.frontend.counts().request_memory_bytes;
        assert!((100_000..=400_000).contains(&used), "{wire:?}: {used}");
        answer(reply, "abc");
        assert_eq!(front.frontend.counts().request_memory_bytes, used);
        drop(message);
        front.wait_for("it is given back", |counts| {
            counts.request_memory_bytes == 0
        });
    }
}

fn with_memory(request_memory_max_bytes: usize) -> Front {
    Front::new(SessionLimits {
        request_memory_max_bytes,
        ..limits()
    })
}

#[test]
fn a_message_over_the_memory_of_all_is_refused_by_name() {
    for wire in WIRES {
        let front = with_memory(300_000);
        let mut holder = front.client();
        holder.send(&call(wire, 0, 150_000));
        let held = front.take();
        let mut client = front.client();
        client.send(&call(wire, 0, 600_000));
        let refused = client.rest();
        assert!(
            refused.contains("f: OverMemory { limit: 300000"),
            "{wire:?}: {refused}"
        );
        assert!(front.has_none());
        assert_eq!(front.frontend.counts().requests_over_memory, 1, "{wire:?}");
        // Small ones are taken all the same, and large ones once there is room.
        let mut small = front.client();
        small.send(&call(wire, 0, 3_000));
        answer(front.take().1, "abc");
        small.receive(3);
        drop(held);
        front.wait_for("it is given back", |counts| {
            counts.request_memory_bytes == 0
        });
        let mut client = front.client();
        client.send(&call(wire, 0, 100_000));
        answer(front.take().1, "abc");
        client.receive(3);
    }
}

/// A refused message that has come whole costs its client nothing but the answer.
#[test]
fn a_session_outlives_a_message_that_was_refused_whole() {
    let wire = (Form::Binary, true);
    let front = with_memory(10_000);
    let mut client = front.client();
    client.send(&call(wire, 1, 12_000));
    let expected = "f: OverMemory { limit: 10000, seen: ";
    assert_eq!(&client.receive(4 + expected.len())[4..], expected);
    client.receive("12020 }".len());
    client.send(&call(wire, 2, 3));
    answer(front.take().1, "abc");
    assert_eq!(client.receive(7), frame_of("abc"));
}

#[test]
fn half_messages_take_no_more_memory_than_all_may() {
    let front = with_memory(500_000);
    let half = &call((Form::Binary, true), 0, 100_000)[..60_000];
    let mut clients: Vec<Client> = (0..50).map(|_| front.client()).collect();
    for client in &mut clients {
        // Those that are refused may be closed by now.
        let _ = client.0.write_all(half);
    }
    front.wait_for("those over it are refused", |counts| {
        counts.requests_over_memory >= 40 && counts.bytes_in >= 10 * 60_000
    });
    let counts = front.frontend.counts();
    assert!(counts.request_memory_bytes <= 500_000, "{counts:?}");
    assert!(counts.requests_over_memory < 50, "{counts:?}");
    let mut other = front.client();
    other.send(&framed(&message(Form::Binary, CALL, 0, 3)));
    answer(front.take().1, "abc");
    assert_eq!(other.receive(7), frame_of("abc"));
    drop(clients);
    front.wait_for("all is given back", |counts| {
        counts.request_memory_bytes == 0 && counts.sessions == 1
    });
}

#[test]
fn a_half_message_is_not_awaited_for_ever() {
    let front = Front::new(SessionLimits {
        message_timeout: Duration::from_millis(100),
        ..limits()
    });
    let mut client = front.client();
    client.send(&call((Form::Binary, true), 0, 100_000)[..50_000]);
    assert_eq!(client.rest(), "");
    front.wait_for("all is given back", |counts| {
        counts.request_memory_bytes == 0 && counts.sessions == 0
    });
    assert_eq!(front.frontend.counts().closed_incomplete, 1);
}

/// A frame that is over the limit, and nothing behind it.
#[test]
fn an_oversized_frame_is_refused_though_its_name_never_comes() {
    let front = Front::new(limits());
    let mut client = front.client();
    client.send(&[0, 0x7f, 0, 0, 0x80, 1]);
    let began = Instant::now();
    let refused = client.rest();
    assert!(refused.contains(": TooLarge { limit: 1000000"), "{refused}");
    // Rather than when the message would have to be there.
    assert!(began.elapsed() < TIMEOUT / 2);
}

/// All of what was sent is read, so that the answer is not lost with it.
#[test]
fn who_sends_too_much_reads_why_it_was_refused() {
    let front = Front::new(limits());
    let mut client = front.client();
    client.send(&call((Form::Binary, true), 0, 20_000_000));
    let refused = client.rest();
    assert!(
        refused.contains("f: TooLarge { limit: 1000000"),
        "{refused}"
    );
}

#[test]
fn a_reply_that_nobody_reads_is_given_up() {
    for pause in [Duration::ZERO, Duration::from_millis(60)] {
        let front = Front::new(SessionLimits {
            write_timeout: Duration::from_millis(200),
            ..limits()
        });
        let mut client = front.client();
        client.send(&framed(&message(Form::Binary, CALL, 0, 3)));
        let (_, reply) = front.take();
        std::thread::sleep(pause);
        let kept = Arc::new(());
        answer_with(reply, &"y".repeat(50_000_000), kept.clone());
        front.wait_for("it is given up", |counts| counts.closed_unread == 1);
        front.wait_for("it is gone", |counts| counts.sessions == 0);
        front.wait_for("it is freed", |_| Arc::strong_count(&kept) == 1);
        assert!(client.rest().len() < 50_000_000);
    }
}

#[test]
fn who_says_nothing_is_closed() {
    let front = Front::new(SessionLimits {
        idle_timeout: Duration::from_millis(50),
        ..limits()
    });
    assert_eq!(front.client().rest(), "");
    assert_eq!(front.frontend.counts().closed_idle, 1);
    // A request that runs for long is not idleness.
    let mut client = front.client();
    client.send(&framed(&message(Form::Binary, CALL, 0, 3)));
    let (_, reply) = front.take();
    std::thread::sleep(Duration::from_millis(150));
    answer(reply, "abc");
    assert_eq!(client.receive(7), frame_of("abc"));
}

#[test]
fn bytes_are_counted() {
    let front = Front::new(limits());
    let mut client = front.client();
    let call = call((Form::Binary, true), 0, 3);
    client.send(&call);
    answer(front.take().1, "abc");
    client.receive(7);
    let counts = front.frontend.counts();
    assert_eq!((counts.bytes_in, counts.bytes_out), (call.len() as u64, 7));
}

/// What has been read and not counted is bounded by little for each session, even if
/// nearly all memory is in use and not all.
#[test]
fn no_more_is_read_at_once_than_there_is_memory_for() {
    let memory = RequestMemory::new(100_000);
    let inbox = inbox::Inbox::new(scan::ScanLimits::default(), &memory);
    assert_eq!(inbox.read_max_bytes(65_536), 65_536);
    let mut others = memory.share();
    others.resize(90_000).unwrap();
    assert_eq!(inbox.read_max_bytes(65_536), 4_096);
}
