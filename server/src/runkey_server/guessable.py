"""What makes a long password easy to guess: common words, walks over a keyboard, sequences, repetitions, digits put at the end.

A list of whole passwords would hold a few of those that follow these patterns; taking the patterns away finds all of them. What is left
then is what somebody who guesses must really guess.
"""

import re

# Words that passwords are made of far more often than sentences are. None of them makes a password bad: little else beside them does.
WORDS = frozenset(
    """
    password passwort passwd passcode passphrase passord motdepasse contrasena contrasenha senha parola haslo wachtwoord lozinka salasana
    admin administrator root toor user username guest login logon signin letmein openup opensesame welcome willkommen bienvenue changeme
    change default secret geheim secure security access unlock computer internet server system network desktop laptop windows microsoft
    google apple amazon facebook twitter linkedin github gitlab docker kubernetes linux ubuntu debian oracle mysql postgres database
    tensorflow pytorch keras python jupyter notebook wandb mlflow experiment training company office example sample testing test demo
    iloveyou loveyou iloveu ihateyou love lover loveme forever always baby babygirl honey sweetheart darling sunshine princess prince queen
    king angel heart flower butterfly rainbow chocolate cookie cheese banana orange pepper ginger coffee summer winter spring autumn
    january february march april may june july august september october november december monday tuesday wednesday thursday friday
    saturday sunday football baseball basketball soccer hockey tennis golfer arsenal liverpool chelsea barcelona realmadrid juventus
    yankees cowboys steelers lakers eagles rangers tigers monkey dragon tiger lion eagle falcon hawk wolf shark panther phoenix unicorn
    turtle horse kitty puppy buddy max bella charlie daisy bailey rocky shadow hunter killer ranger warrior soldier ninja samurai pirate
    wizard gandalf merlin matrix starwars startrek skywalker jedi yoda batman superman spiderman ironman pokemon pikachu mario zelda
    minecraft fortnite roblox starcraft warcraft counterstrike michael jennifer jessica ashley amanda nicole daniel andrew joshua matthew
    robert thomas william george richard jordan taylor justin brandon anthony samantha michelle elizabeth victoria alexander benjamin
    christopher maria anna peter martin stefan andreas sandra sabine claudia nathalie isabelle francois pierre mustang ferrari porsche
    mercedes corvette harley yamaha honda toyota freedom liberty america england deutschland germany france canada london paris berlin
    newyork california texas metallica nirvana slipknot blink beatles eminem correct horse battery staple trustno whatever nothing
    something master mistress boss chief number one hello goodbye please thankyou jesus christ god heaven bible amen hallo ciao salut
    qwerty qwertz azerty asdf zxcv qazwsx abc abcd the and for you this that not
    """.split()
)

_ROWS = (
    *("`1234567890-=", "qwertyuiop[]", "asdfghjkl;'", "zxcvbnm,./", "qwertzuiop", "yxcvbnm", "azertyuiop", "qsdfghjklm", "wxcvbn"),
    # Down the columns, as fingers go.
    *("1qaz2wsx3edc4rfv5tgb6yhn7ujm8ik9ol0p", "qazwsxedcrfvtgbyhnujmikolp", "q1w2e3r4t5y6u7i8o9p0", "1q2w3e4r5t6y7u8i9o0p"),
    *("abcdefghijklmnopqrstuvwxyz", "0123456789"),
)
_SHORTEST_WALK = 4
_DISGUISES = str.maketrans("@4301!|5$7+8", "aaeoiilssttb")
# What stands between words and behind them, and makes nothing harder to guess.
_BETWEEN = frozenset(" -_.,!?")
_BY_LENGTH = sorted(WORDS, key=len, reverse=True)


def rest_of(password: str, *, context: tuple[str, ...] = ()) -> str:
    """Give what is left of a password without what is easy to guess. context: words of its owner's, the site's."""
    parts = {part for word in context for part in (word, *re.split(r"\W+|_", word))}
    known = sorted({part.casefold() for part in parts if len(part) >= 3}, key=len, reverse=True)
    text = "".join(character for character in _without_walks(password.casefold()) if character not in _BETWEEN)
    # Letters in disguise are read both ways, because a digit may be a digit: the reading that leaves less counts.
    return min((_strip(reading, [*known, *_BY_LENGTH]) for reading in (text, text.translate(_DISGUISES))), key=len)


def _strip(text: str, words: list[str]) -> str:
    for word in words:
        if len(word) >= 3:
            text = text.replace(word, " ")
    text = "".join(text.split())
    # A piece that comes again adds nothing: once is what must be guessed.
    text = re.sub(r"(.{1,40}?)\1+", r"\1", text)
    return text.strip("0123456789")


def _without_walks(text: str) -> str:
    kept, at = [], 0
    while at < len(text):
        length = max(_walk_from(text, at, row) for row in _WAYS)
        if length >= _SHORTEST_WALK:
            at += length
        else:
            kept.append(text[at])
            at += 1
    return "".join(kept)


def _walk_from(text: str, at: int, way: str) -> int:
    """Count how many characters from a place on follow a way over the keyboard."""
    place, length = way.find(text[at]), 0
    while 0 <= place < len(way) and at + length < len(text) and text[at + length] == way[place]:
        place, length = place + 1, length + 1
    return length


_WAYS = tuple(way for row in _ROWS for way in (row, row[::-1]))
