"""The verdicts on arms: of all runs at once, or at the looks that a growing file allows."""

import dataclasses
from collections.abc import Sequence

from kobai.questions.judgement import looks
from kobai.questions.judgement.choice import Best, together
from kobai.questions.judgement.pairing import are_paired, common, compared
from kobai.questions.judgement.procedures import Contrast
from kobai.questions.judgement.scale import Arm
from kobai.questions.judgement.verdicts import AHEAD, UNDECIDED, Verdict, more, verdicts
from kobai.study.statistics import ALPHA

FAR = 512
"""So many further runs of a growing file are foreseen at most."""


@dataclasses.dataclass(frozen=True)
class Judging:
    """What is judged, and how.

    Fields:
      arms: all of them, the baseline among them.
      baseline: its name.
      margin: of equivalence, on the scale; None: none.
      sigma, borrow, unpaired, ranks: as `compared` takes them.
    """

    arms: Sequence[Arm]
    baseline: str
    margin: float | None
    sigma: float | None
    borrow: bool
    unpaired: bool
    ranks: bool = False

    @property
    def base(self) -> Arm:
        """The baseline."""
        return next(arm for arm in self.arms if arm.name == self.baseline)

    @property
    def others(self) -> list[Arm]:
        """All but the baseline."""
        return [arm for arm in self.arms if arm.name != self.baseline]

    def contrast(self, arm: Arm, other: Arm, count: int | None = None) -> Contrast:
        """One arm against another, of the first so many runs."""
        return compared(
            arm,
            other,
            sigma=self.sigma,
            borrow=self.borrow,
            unpaired=self.unpaired,
            ranks=self.ranks,
            count=count,
        )

    def verdicts(self) -> list[Verdict]:
        """Of all runs at once."""
        contrasts = {arm.name: self.contrast(arm, self.base) for arm in self.others}
        return [self._foreseen(each, ALPHA) for each in verdicts(contrasts, self.margin, ALPHA)]

    def watched(self) -> tuple[list[Verdict], int]:
        """Of the looks that the runs allow, for each arm the first that decides; and the next look."""
        said: dict[str, Verdict] = {}
        available = {arm.name: self._available(arm) for arm in self.others}
        for count, level in looks.looks(max(available.values())):
            contrasts = {
                arm.name: self.contrast(arm, self.base, count)
                for arm in self.others
                if available[arm.name] >= count
            }
            # Those that have fewer runs are of the family all the same: their p is 1 as long as they have.
            for each in verdicts(contrasts, self.margin, level * len(contrasts) / len(self.others)):
                if each.arm not in said or said[each.arm].verdict == UNDECIDED:
                    said[each.arm] = dataclasses.replace(each, look=count)
        for arm in self.others:
            if arm.name not in said:
                said[arm.name] = self._before(arm, available[arm.name])
        undecided = [available[name] for name, each in said.items() if each.verdict == UNDECIDED]
        following, level = looks.following(min(undecided or available.values()))
        return [self._foreseen(said[arm.name], level, grows=True) for arm in self.others], following

    def _available(self, arm: Arm) -> int:
        """How many runs, or pairs, a look can have."""
        if self.sigma is None and not self.unpaired and are_paired(arm, self.base):
            return len(common(arm, self.base))
        return min(len(arm.x), len(self.base.x))

    def _before(self, arm: Arm, runs: int) -> Verdict:
        """Before the first look nothing is said."""
        contrast = self.contrast(arm, self.base)
        nothing = dataclasses.replace(contrast, p=1.0)
        return Verdict(
            arm.name, UNDECIDED, False, nothing, 1.0, looks.following(0)[1], None, None, None, runs
        )

    def _foreseen(self, verdict: Verdict, level: float, grows: bool = False) -> Verdict:
        """With the number of further runs that would probably decide."""
        if verdict.verdict != UNDECIDED:
            return verdict
        now = min(verdict.contrast.runs)
        ahead = [look - now for look, _ in looks.looks(now + FAR) if look > now] if grows else AHEAD
        further = more(verdict.contrast, self.margin, level, len(self.others), ahead)
        return dataclasses.replace(verdict, more=further)

    def together(self, watch: bool) -> Best:
        """Who may be the best of all; of a growing file as the latest look has it."""
        count: int | None = None
        alpha = ALPHA
        if watch:
            runs = min(self._available(arm) for arm in self.others)
            count, alpha = [(None, 0.0), *looks.looks(runs)][-1]
        unpaired = self.unpaired or self.ranks or self.sigma is not None
        return together(
            self.arms,
            lambda one, other: self.contrast(one, other, count),
            unpaired=unpaired,
            alpha=alpha,
            count=count,
        )
