use proptest::collection::vec;
use proptest::prelude::*;

use super::*;

proptest! {
    #![proptest_config(ProptestConfig { cases: 1_500, failure_persistence: None, ..ProptestConfig::default() })]

    /// T5, T6, T7, R6, R7, L1, L2, L3: for any sequence of requests, refusals, login outcomes and
    /// clock steps, logins never exceed what the rules allow, a token that serves well is never
    /// dropped, and no waiter is left behind.
    #[test]
    fn no_sequence_of_events_breaks_the_rules(seed: u8, events in events()) {
        let mut model = Model::new(u64::from(seed));
        for event in events {
            model.step(event);
        }
        model.finish();
    }

    /// T5, T6, T7, R6, R7, L1, L2, L3: so it is for what any bytes stand for.
    #[test]
    fn no_bytes_break_the_rules(data in vec(any::<u8>(), 0..100)) {
        crate::session::run_model(&data);
    }
}

/// Any events, among them runs of such as chance would hardly bring.
fn events() -> impl Strategy<Value = Vec<Event>> {
    let chance = vec(event(), 1..30);
    let hasty = (0..16_usize).prop_map(|times| HASTY.repeat(times));
    let failing = (0..12_usize, event(), 0..8_u8).prop_map(|(times, event, how)| {
        let round = [Event::Request, Event::Fails(how), event, Event::Edge(0)];
        round.repeat(times)
    });
    let useless = (0..16_usize, event()).prop_map(|(times, event)| {
        let mut round = USELESS.to_vec();
        round.push(event);
        round.repeat(times)
    });
    let patient = (0..4_u8).prop_map(|key| {
        let mut events = PATIENT.to_vec();
        events.insert(4, Event::Accepted(0, key, false));
        events
    });
    // An endpoint without rights beside one that is fine.
    let forbidden = (0..12_usize, 0..4_u8, any::<bool>()).prop_map(|(times, key, dies)| {
        let mut round = FORBIDDEN.to_vec();
        if dies {
            round.push(Event::Refused(0, key));
        }
        round.repeat(times)
    });
    let ageing = (3..9_u8, vec(any::<u8>(), 1..8)).prop_map(|(lifetime, edges)| {
        let brought = Event::Brings(Text::New, lifetime);
        let mut events = vec![Event::SignOut, Event::Request, brought];
        events.extend(
            edges
                .iter()
                .flat_map(|edge| [Event::Edge(*edge), Event::Check]),
        );
        events
    });
    let parts = prop_oneof![
        3 => chance,
        2 => hasty,
        1 => failing,
        1 => useless,
        2 => patient,
        2 => ageing,
        2 => forbidden,
    ];
    vec(parts, 0..10).prop_map(|parts| parts.concat())
}

fn event() -> impl Strategy<Value = Event> {
    any::<(u8, u8)>().prop_map(|(kind, arg)| Event::decode(kind, arg))
}

/// A token that expires soon and is refused at once.
const HASTY: [Event; 5] = [
    Event::Clock(6),
    Event::Request,
    Event::Brings(Text::New, 3),
    Event::Request,
    Event::Refused(0, 0),
];

/// A login after a refusal brings the same token.
const USELESS: [Event; 4] = [
    Event::Request,
    Event::Refused(0, 0),
    Event::Brings(Text::Same, 0),
    Event::Edge(0),
];

/// One endpoint accepts each token, another one refuses it and its retry as well.
const FORBIDDEN: [Event; 7] = [
    Event::Request,
    Event::Accepted(0, 0, false),
    Event::Refused(0, 1),
    Event::Brings(Text::New, 0),
    Event::Request,
    Event::RetryRefused(0, 1),
    Event::Edge(0),
];

/// A token serves for a minute, and is refused then.
const PATIENT: [Event; 6] = [
    Event::Clock(6),
    Event::Request,
    Event::Brings(Text::New, 5),
    Event::Request,
    Event::Clock(11),
    Event::Refused(0, 0),
];
