"""Ticks and time into firings; pure: no input or output, no await, no clock.

Start with `evaluator`. It hands a print to the `Lane` of its field, and mostly that is all. Otherwise timers that are
due come first, the print goes into quotes, streams and bars, the `Jury` judges each `Watch` that may say otherwise now,
its `Run` decides what an edge comes to, and the lane finds out through which prints those who were judged can sleep.

What each file knows:

==============================  ===============================================================================
``quote``, ``market``           the newest value of each field; everything that rules can read
``stream``, ``windows``,        the past of a value, shared by all who look back on it; in it ``extremes`` serve
``bars``, ``past``              every length, ``sums`` count whole price steps, bars close on the exchange's clock
``view``, ``series``,           what a rule's judges read, and functions and arithmetic over it
``arithmetic``
``watch``, ``jury``             one condition under watch; who is judged at what happens, and what comes of it
``run``, ``tally``, ``state``   the life of one rule: when it listens, what an edge comes to, what it remembers
``timers``, ``work``            what is due without a print; what is still to be judged, in slices
``newcomers``, ``leavers``,     rules that come, go or change on a running market; what history tells them
``reload``, ``recollection``
==============================  ===============================================================================

This much would be enough to be right: every rule that reads a field is judged at each of its prints. These files find
out who need not be, and may err to one side only, that of judging:

==============================  ===============================================================================
``audience``, ``lane``          who reads a field; its prints, of which most end here with a few comparisons
``rest``, ``levels``            watches that rest in a band of prices until a moment; levels sorted, walked over
``guard``, ``shapes``,          comparisons that windows move too: how long they surely stay as they are, by
``ranges``                      functions that are written and compiled once for each shape
==============================  ===============================================================================

``columnar`` does the same for a backtest, on whole columns of prints.
"""

from rules_engine.evaluation.evaluator import Evaluator

__all__ = ["Evaluator"]
