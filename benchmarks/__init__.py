"""What things cost, as ratios between contenders that run interleaved in one session."""
