"""Phases that several plots share. See plots.py."""

OPENING = [
    'Once upon a time there was a {k} {h.kid} named {h}, who lived {home}.',
    'Once there was a {k} {h.kid} called {h}. {h.He} lived {home}.',
    '{h} was a {k} {h.kid} who lived {home}.',
    'Long ago, a {k} {h.kid} named {h} lived {home}.',
]
TREASURE = [
    '{h.He} had {c.a} {t}, a present from {g}.',
    'For {h.his} birthday, {g} had given {h.him} {c.a} {t}.',
    'Of all {h.his} things, {h.he} loved best {c.a} {t} from {g}.',
    'Last [spring|summer|winter], {g} had given {h.him} {c.a} {t}.',
]
USE = [
    'Every day {h.he} would {t.use}.',
    '{h.He} liked to {t.use}.',
    'Nothing made {h.him} happier than to {t.use}.',
]
FRIEND = [
    '{h.His} best friend was {f}.',
    '{h.He} had a good friend whose name was {f}.',
    'A {f.kid} named {f} lived next door, and the two were friends.',
]
END = [
    'The end.',
    'And that is the end of the story.',
    '',
]
