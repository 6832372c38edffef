"""The plots of the story grammar: a plot is a list of phases, a phase a list of wordings of which one is drawn.

Every plot brings facts of its first sentences (names, colours, objects, places) back in its last ones."""

from plots_helping import CAKE, GARDEN, GIFT, HELP, STORM
from plots_playing import LOST, PROMISE, RACE, SECRET, SHARE

PLOTS = [LOST, PROMISE, GIFT, STORM, HELP, SHARE, RACE, SECRET, GARDEN, CAKE]
