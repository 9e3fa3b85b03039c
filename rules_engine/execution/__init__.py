"""Firings into orders: journal first, then the risk gate, then the wire.

What a firing comes to, before anything is sent
    decide      a firing into a decision: orders, or the reason why there are none
    decision    what is committed of it, as one
    resolve     what a rule does, in expressions, into order legs with exact quantities and prices
    words       orders and fills in the words of a message

The gates
    risk            every limit on one order; fails closed and names itself
    allowed         which contracts may be ordered in at all
    active_orders   how many may be open on one side of a contract
    totals          limits over a day, a rule, the account
    rule_profit     what one rule's own fills came to
    exposure        how much orders on their way may still buy or sell
    sizes           how much IB takes in one order
    closing         how much of a position is left to close, and the orders that keep the rest
    positions       what the account holds, and whether our own fills are in that yet
    book            our own orders, as the limits see them
    worst_price     the most that one share of an order may change hands for
    finite_market   prices that are no finite number are unknown
    price_wait      how long what is to be sent waits for a price to be checked against
    pace            how many orders leave in a second, and messages of one rule in a minute
    restart_window  the minutes around the gateway's restart
    guard           the right kind of account on the right port
    kill_switch     a file beside the journal
    standstill      what that does to orders at IB
    halts           what waits for the user to look: the whole engine, or one rule
    preflight       all of these for one unit, at the moment of sending

The protocol
    order_states   the state table: what moves an intent that may be at IB
    codes          what IB's error codes say about an order
    dispatcher     the write order: from committed intent to bytes
    reconciler     IB's complete answers against what we believe
    rejections     what IB called rejected, until they show that it is
    evidence       what those answers show: absences, strangers, doubles
    account_reset  whether all positions are gone without a trade
    unarrived      whether an order that they do not show certainly never arrived
    intake         IB's reports into the journal
    order_notice   news of one order, as the notice that tells it
    protection     what the exits of a bracket still protect
    cancelling     cancellations onto the wire
    mass_cancels   orders to be cancelled, of very many the first at once and the rest in slices
    wishes         for which firings, as long as it may turn out to be for nothing
    partial_fills  when fills of an order that is not complete are told
    desk           all of this from outside
    session        one connection, as the protocol sees it
    timing         deadlines and pauses
    slices         long work inside the event loop, given way to by everything else
    keys           the names of firings and orders; an order's travels as its orderRef
    ports          what the protocol needs of the link and of the market
    changes        what it tells the rest of the engine

The journal
    journal       everything that must outlive the process; the one writer
    values        whatever has a name, in memory once it was asked for
    firings       what rules came to each time, and how its orders ended
    intents       the orders in it
    working_set   what of them every check looks through, in memory
    chain         the record of what happened, hashed
    holdings      fills beside IB's positions
    outbox        messages still to be told
    ledger        the journal read back
    database      a SQLite file of one writer
    schema        its tables
    migrations    older journals into new ones
    same_account  an account with its name and without
    clock_set     its due times, after somebody set the clock
    plain         values as JSON text and back
"""
