//! Never the answer to another request than the client's last one.

use super::*;

/// Longer than after which a reply is written by the session's task.
const SLOW: Duration = Duration::from_millis(60);

#[test]
fn a_client_that_asks_again_with_the_same_id_gets_no_answer() {
    for wire in WIRES {
        let front = Front::new(limits());
        let mut client = front.client();
        client.send(&call(wire, 0, 3));
        let (_, first) = front.take();
        client.send(&call(wire, 0, 3));
        // Before the first is answered: nothing else would close it.
        assert_eq!(client.rest(), "", "{wire:?}");
        front.wait_for("it is gone", |counts| counts.sessions == 0);
        answer(first, "stale");
        assert!(front.has_none(), "{wire:?}");
        assert_eq!(front.frontend.counts().closed_stale, 1, "{wire:?}");
        assert_eq!(front.frontend.counts().bytes_out, 0, "{wire:?}");
    }
}

#[test]
fn the_beginning_of_the_next_message_is_enough() {
    for wire in WIRES {
        let front = Front::new(limits());
        let mut client = front.client();
        client.send(&call(wire, 5, 3));
        let (_, first) = front.take();
        client.send(&call(wire, 5, 500_000)[..30]);
        assert_eq!(client.rest(), "", "{wire:?}");
        answer(first, "stale");
        assert_eq!(front.frontend.counts().closed_stale, 1, "{wire:?}");
    }
}

#[test]
fn different_ids_are_answered_in_order() {
    for wire in WIRES {
        let front = Front::new(limits());
        let mut client = front.client();
        let calls: Vec<u8> = (1..=3).flat_map(|id| call(wire, id, 3)).collect();
        client.send(&calls);
        for text in ["one", "two", "three"] {
            let (_, reply) = front.take();
            // It is not begun before the one before it is answered.
            assert!(front.has_none());
            answer(reply, text);
            let expected = match wire.1 {
                true => frame_of(text),
                false => text.to_owned(),
            };
            assert_eq!(client.receive(expected.len()), expected, "{wire:?}");
        }
        assert_eq!(front.frontend.counts().closed_stale, 0);
    }
}

/// Clients that never count send the same id again and again.
#[test]
fn the_same_id_after_the_answer_is_as_good_as_any() {
    for wire in WIRES {
        let front = Front::new(limits());
        let mut client = front.client();
        for _ in 0..3 {
            client.send(&call(wire, 0, 3));
            answer(front.take().1, "abc");
            let length = if wire.1 { 7 } else { 3 };
            client.receive(length);
        }
    }
}

/// The client may have its answer, and go on, before whoever wrote it knows that
/// it is written.
#[test]
fn a_client_that_is_quicker_than_the_writer_of_its_answer_is_not_closed() {
    const ROUNDS: usize = 5_000;
    let front = Front::new(limits());
    let mut client = front.client();
    std::thread::scope(|scope| {
        let front = &front;
        scope.spawn(move || {
            for _ in 0..ROUNDS {
                answer(front.take().1, "abc");
            }
        });
        for _ in 0..ROUNDS {
            client.send(&framed(&message(Form::Binary, CALL, 0, 3)));
            assert_eq!(client.receive(7), frame_of("abc"));
        }
    });
}

/// Nobody waits for the answer to it, so that nobody has given it up.
#[test]
fn the_same_id_after_a_oneway_call_is_as_good_as_any() {
    let front = Front::new(limits());
    let mut client = front.client();
    client.send(&framed(&message(Form::Binary, ONEWAY, 0, 3)));
    let (_, oneway) = front.take();
    client.send(&framed(&message(Form::Binary, CALL, 0, 3)));
    assert!(front.has_none());
    answer(oneway, "of no interest");
    answer(front.take().1, "answer");
    assert_eq!(client.receive(10), frame_of("answer"));
}

#[test]
fn an_answer_too_long_after_its_deadline_is_not_given() {
    let front = Front::new(SessionLimits {
        reply_grace: Duration::from_millis(100),
        ..limits()
    });
    let mut client = front.client();
    client.send(&framed(&message(Form::Binary, CALL, 0, 3)));
    let (_, mut reply) = front.take();
    reply.set_deadline(Instant::now() - Duration::from_millis(101));
    answer(reply, "late");
    assert_eq!(client.rest(), "");
    assert_eq!(front.frontend.counts().closed_late, 1);
}

#[test]
fn an_answer_within_the_grace_is_given() {
    let front = Front::new(limits());
    let mut client = front.client();
    for pause in [Duration::ZERO, SLOW] {
        client.send(&framed(&message(Form::Binary, CALL, 0, 3)));
        let (_, mut reply) = front.take();
        std::thread::sleep(pause);
        reply.set_deadline(Instant::now() - Duration::from_millis(1));
        answer(reply, "just");
        assert_eq!(client.receive(8), frame_of("just"));
    }
}

/// What the client has sent before a slow answer is given is seen first, whether or
/// not the session's task had the time to read it.
#[test]
fn a_slow_answer_does_not_cross_with_the_next_request() {
    let front = Front::new(limits());
    for round in 0..20 {
        let mut client = front.client();
        client.send(&framed(&message(Form::Binary, CALL, 0, 3)));
        let (_, reply) = front.take();
        std::thread::sleep(SLOW);
        client.send(&framed(&message(Form::Binary, CALL, 0, 3)));
        answer(reply, "stale");
        assert_eq!(client.rest(), "", "round {round}");
    }
    assert_eq!(front.frontend.counts().closed_stale, 20);
}

/// Nor does one that is not slow, while the thread that reads is busy with others.
#[test]
fn an_answer_does_not_cross_with_a_request_that_nobody_has_read() {
    let front = Front::new(limits());
    for round in 0..5 {
        let mut client = front.client();
        client.send(&framed(&message(Form::Binary, CALL, 0, 3)));
        let (_, reply) = front.take();
        let until = front.keep_reader_busy();
        std::thread::sleep(Duration::from_millis(5));
        client.send(&framed(&message(Form::Binary, CALL, 0, 3)));
        answer(reply, "stale");
        drop(until);
        assert_eq!(client.rest(), "", "round {round}");
    }
    assert_eq!(front.frontend.counts().closed_stale, 5);
}

#[test]
fn a_slow_answer_does_cross_with_the_next_request_of_another_id() {
    let front = Front::new(limits());
    let mut client = front.client();
    client.send(&framed(&message(Form::Binary, CALL, 1, 3)));
    let (_, first) = front.take();
    std::thread::sleep(SLOW);
    client.send(&framed(&message(Form::Binary, CALL, 2, 3)));
    answer(first, "one");
    assert_eq!(client.receive(7), frame_of("one"));
    answer(front.take().1, "two");
    assert_eq!(client.receive(7), frame_of("two"));
}

/// The end of a long reply would be read as the beginning of the next one.
#[test]
fn the_rest_of_a_reply_is_not_sent_after_the_next_request() {
    let front = Front::new(limits());
    let mut client = front.client();
    client.send(&framed(&message(Form::Binary, CALL, 0, 3)));
    let (_, reply) = front.take();
    let long = "y".repeat(50_000_000);
    let kept = Arc::new(());
    answer_with(reply, &long, kept.clone());
    client.send(&framed(&message(Form::Binary, CALL, 0, 3)));
    assert!(client.rest().len() < long.len());
    front.wait_for("it is gone", |counts| counts.sessions == 0);
    front.wait_for("it is freed", |_| Arc::strong_count(&kept) == 1);
    assert_eq!(front.frontend.counts().closed_stale, 1);
}

/// Even if the session waits for a message for a shorter time than its request runs.
#[test]
fn a_client_that_asks_again_is_heard_however_long_its_request_runs() {
    let front = Front::new(SessionLimits {
        idle_timeout: Duration::from_millis(20),
        message_timeout: Duration::from_millis(20),
        ..limits()
    });
    let mut client = front.client();
    client.send(&framed(&message(Form::Binary, CALL, 0, 3)));
    let (_, reply) = front.take();
    std::thread::sleep(SLOW);
    client.send(&framed(&message(Form::Binary, CALL, 0, 3)));
    assert_eq!(client.rest(), "");
    answer(reply, "stale");
    assert_eq!(front.frontend.counts().closed_stale, 1);
}
