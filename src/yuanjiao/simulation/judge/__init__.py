"""The judge: a made-up city lives through days whose truth is known beat by beat; what the system says of them is put beside it.

- `truth` (pure): what truly breaks, stops, drifts and is tested, and when.
- `beats` (pure): every beat that follows from it, and who truly hears it.
- `oracle` (pure): what an honest observer must say, by plain loops over those beats; nothing of the code under test is called.
- `life`: the real doors and jobs live through it, at simulated times. `verdict`: findings beside the truth; `paper` prints them.
"""
