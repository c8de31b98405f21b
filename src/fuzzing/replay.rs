use super::input::Input;
use crate::replay::model::{Inside, Item, Op, Plan, run};

/// A body and what is done to its two attempts, against the model.
///
/// A byte of flags, one with the limit, the body up to 0xFF, then the steps, a byte each. In the
/// body a byte up to 0xDF is a frame of that length, the others are pauses.
pub fn replay(data: &[u8]) {
    let mut input = Input::new(data);
    let flags = input.byte();
    let limit = usize::from(input.byte());
    let mut sent = 0_u8;
    let items = input.until(0xFF).iter().take(64);
    let items = items.map(|item| match item {
        0..=0xDF => Item::Data(
            (0..*item)
                .map(|_| {
                    sent = sent.wrapping_add(1);
                    sent
                })
                .collect(),
        ),
        _ => Item::Pending,
    });
    let plan = Plan {
        items: items.collect(),
        trailers: (flags & 1 != 0).then_some(flags),
        fails: flags & 2 != 0,
        exact: flags & 4 != 0,
        knows_end: flags & 8 != 0,
        limit,
    };
    let ops = input.rest().iter().take(256);
    let ops: Vec<_> = ops.map(|op| OPS[usize::from(*op) % OPS.len()]).collect();
    run(&plan, &ops);
}

const OPS: [Op; 10] = [
    Op::PollFirst,
    Op::PollSecond,
    Op::Take,
    Op::LetGo,
    Op::DropFirst,
    Op::DropSecond,
    Op::Inside(Inside::Take),
    Op::Inside(Inside::TakeAndPoll),
    Op::Inside(Inside::TakeAndDrop),
    Op::Inside(Inside::LetGo),
];
