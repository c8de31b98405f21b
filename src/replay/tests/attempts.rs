//! Both attempts against a plain list of frames, for any body and any order.

use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;

use super::super::model::{Inside, Item, Op, Plan, run};

proptest! {
    #![proptest_config(ProptestConfig { cases: 3000, failure_persistence: None, ..ProptestConfig::default() })]

    /// B1, B2, B3: whatever the body, and whatever happens in whatever order, each attempt sends
    /// what a plain list of frames says.
    #[test]
    fn both_attempts_do_as_the_model_says(plan in plans(), ops in vec(op(), 0..24)) {
        run(&plan, &ops);
    }
}

fn plans() -> impl Strategy<Value = Plan> {
    let item = prop_oneof![
        3 => vec(any::<u8>(), 0..12).prop_map(Item::Data),
        1 => Just(Item::Pending),
    ];
    let end = (option::of(any::<u8>()), prop::bool::weighted(0.2));
    (vec(item, 0..10), end, any::<(bool, bool)>(), 0..60_usize).prop_map(
        |(items, (trailers, fails), (exact, knows_end), limit)| Plan {
            items,
            trailers,
            fails,
            exact,
            knows_end,
            limit,
        },
    )
}

fn op() -> impl Strategy<Value = Op> {
    prop_oneof![
        12 => Just(Op::PollFirst),
        1 => Just(Op::Inside(Inside::Take)),
        1 => Just(Op::Inside(Inside::TakeAndPoll)),
        1 => Just(Op::Inside(Inside::TakeAndDrop)),
        1 => Just(Op::Inside(Inside::LetGo)),
        1 => Just(Op::Take),
        4 => Just(Op::PollSecond),
        1 => Just(Op::DropFirst),
        1 => Just(Op::LetGo),
        1 => Just(Op::DropSecond),
    ]
}
