"""Prints as columns: at which of them a rule must be judged, and windows that are read from the columns.

A backtest gives prices slice by slice. What these files make of a slice, in this order, each of those before it:

===========================  ==================================================================================
``arrays``                   what columns are made of, and the sides on which a value can lie of another
``kernels``                  the loops over prints: ``vectorised`` in numpy, or ``compiled`` by numba; both use
                             ``blocks`` and ``rolling``
``track``, ``past``          the ticks of one field; those that windows still read, with sums, exact in price
                             steps, or else within ``bounds``
``spans``                    32 prints together: between which values something lies at all of them
``leaves``                   a condition's leaves, and what each reads
``moments``                  when a leaf is judged, and the windows that end then
``joint``, ``held``          series made of several values; of prices and of what orders change (at ``cut`` moments)
``bars``                     completed bars
``scene``                    all of these for a set of rules, turned over slice by slice
``values``                   expressions at all moments of a slice, with ``steps`` for `floor` and `round`; where
                             columns cannot tell, ``exact`` and ``streamed`` ask the evaluator's own functions
``sides``                    per leaf, on which side it is: nothing new while that stays
``truths``, ``dues``         from sides to events (a rule that only tells: ``telling`` makes its firings), or to
                             the rows at which the rule's own judge must be asked
``leaping``, ``windows``     the streaming evaluator, which hears those rows alone and reads windows from columns
===========================  ==================================================================================
"""
