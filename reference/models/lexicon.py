"""The words of the story grammar: each domain is a list of values, each value a dictionary of properties.

A property may be a wording of its own (see grammar.py): 'wrap it around {h.his} neck'."""


def _person(name, female, kid=True):
    he, him, his = ('she', 'her', 'her') if female else ('he', 'him', 'his')
    return {'name': name, 'he': he, 'him': him, 'his': his, 'He': he.capitalize(), 'His': his.capitalize(),
            'kid': ('girl' if female else 'boy') if kid else ''}


def _words(*names):
    """Nouns and adjectives with their indefinite article."""
    return [{'name': name, 'a': ('an ' if name[0] in 'aeiou' else 'a ') + name, 'A': name.capitalize()}
            for name in names]


def _table(columns, rows):
    """Values with the named properties, and each property again with a capital: 'at' and 'At'."""
    columns = columns.split() + [column.capitalize() for column in columns.split()]
    return [dict(zip(columns, row + tuple(text[0].upper() + text[1:] for text in row))) for row in rows]


_GIRLS = 'Mia Lily Anna Ruby Nora Ella Rosa Tess Ivy Clara Zoe Maya Hana Lucy'.split()
_BOYS = 'Tom Ben Sam Max Leo Finn Omar Jack Theo Noah Hugo Eli Kai Carl'.split()

DOMAINS = {
    'kids': [_person(n, True) for n in _GIRLS] + [_person(n, False) for n in _BOYS],
    'grown': [_person(n, n in ('Grandma', 'Mom', 'Aunt June'), kid=False)
              for n in ('Grandma', 'Grandpa', 'Mom', 'Dad', 'Aunt June', 'Uncle Joe')],
    'colours': _words('red', 'blue', 'green', 'yellow', 'white', 'purple', 'orange', 'brown', 'pink', 'silver',
                      'golden', 'black'),
    'natures': _words('kind', 'brave', 'curious', 'quiet', 'cheerful', 'clever', 'gentle', 'lively'),
    'homes': _words('in a small house by the sea', 'in a village below a mountain', 'on a farm with many hens',
                    'in a tall house with round windows', 'near the edge of a forest', 'in a narrow street in the town',
                    'above a warm little bakery', 'in a cottage with a straw roof'),
    'things': _table('name use', [
        ('kite', 'fly it high in the wind'),
        ('ball', 'throw it up and catch it again'),
        ('drum', 'beat it with two sticks'),
        ('boat', 'sail it in every puddle'),
        ('hat', 'wear it from morning to night'),
        ('scarf', 'wrap it around {h.his} neck'),
        ('lantern', 'light it in the evening'),
        ('book', 'read it from the first page to the last'),
        ('bell', 'ring it and make everyone laugh'),
        ('basket', 'fill it with apples and nuts'),
        ('umbrella', 'dance with it in the rain'),
        ('whistle', 'blow it as loud as a train'),
        ('wagon', 'pull it up and down the road'),
        ('cup', 'drink warm milk from it'),
        ('flute', 'play soft songs on it'),
        ('blanket', 'build little tents with it')]),
    'places': _table('name at spot', [
        ('the old oak tree', 'under the old oak tree', 'between two thick roots'),
        ('the river', 'by the river', 'in the tall reeds'),
        ('the old mill', 'behind the old mill', 'next to a broken wheel'),
        ('the stone bridge', 'near the stone bridge', 'on a flat rock'),
        ('the apple orchard', 'in the apple orchard', 'under a heap of leaves'),
        ('the school', 'behind the school', 'beside the back gate'),
        ('the market', 'at the market', 'under an empty table'),
        ('the church', 'in front of the church', 'on the stone steps'),
        ('the big barn', 'in the big barn', 'in a pile of straw'),
        ('the duck pond', 'at the duck pond', 'on the muddy bank'),
        ('the windy hill', 'on the windy hill', 'in the long grass'),
        ('the pine forest', 'in the pine forest', 'on a soft bed of moss'),
        ('the lighthouse', 'near the lighthouse', 'in the warm sand'),
        ('the train station', 'at the train station', 'under a wooden bench'),
        ('the rose garden', 'in the rose garden', 'beside the garden wall'),
        ('the village well', 'at the village well', 'behind the bucket')]),
    'pets': _words('Pip', 'Biscuit', 'Pepper', 'Button', 'Muffin', 'Coco', 'Patch', 'Poppy', 'Bramble', 'Honey'),
    'animals': _words('kitten', 'puppy', 'lamb', 'rabbit', 'duckling', 'hen', 'pony', 'piglet'),
    'wild': _words('fox', 'squirrel', 'hedgehog', 'deer', 'mouse', 'owl', 'badger', 'sparrow'),
    'wraps': _words('scarf', 'blanket', 'coat', 'shawl', 'towel', 'sweater'),
    'finds': _words('an old shoe', 'a broken cup', 'three gray feathers', 'an empty nest', 'a rusty nail',
                    'a sleepy frog'),
    'obstacles': _table('event solved', [
        ('a heavy rain began to fall', 'covered the {t} with {h.his} coat and walked on'),
        ('a goat stood in the way and would not move', 'gave the goat an apple and slipped past'),
        ('a thick fog covered the road', 'followed the sound of a cow and found the way'),
        ('a fallen tree blocked the path', 'climbed over the branches one by one'),
        ('a herd of cows filled the road', 'waited for the last cow to go by and hurried on'),
        ('a big dog barked at the gate', 'spoke softly to the dog until it wagged its tail')]),
    'crafts': _table('name stuff made keep', [
        ('scarf', 'wool', 'knitted', 'wore it all winter'),
        ('bowl', 'clay', 'shaped', 'filled it with plums'),
        ('necklace', 'beads', 'threaded', 'wore it every Sunday'),
        ('pillow', 'cloth', 'sewed', 'slept on it every night'),
        ('candle', 'wax', 'poured', 'set it in the window'),
        ('flag', 'silk', 'stitched', 'hung it over the door'),
        ('paper star', 'paper', 'folded', 'kept it on the wall'),
        ('belt', 'string', 'wove', 'wore it to every party')]),
    'troubles': _table('state plan act', [
        ('Its foot was caught in a net', 'I will cut the net', 'cut the net with a sharp stone'),
        ('It had fallen into a deep hole', 'I will get you out',
         'laid a long branch in the hole so that it could climb out'),
        ('It had a thorn in its foot', 'I will pull it out', 'pulled out the thorn with two careful fingers'),
        ('It was too weak and hungry to stand', 'I will bring you food', 'fed it bread and berries from the basket'),
        ('Its tail was stuck under a log', 'I will lift the log', 'lifted the log with a strong stick'),
        ('It was lying on the cold ground and shaking', 'I will keep you warm', 'rubbed its back until it was warm')]),
    'flowers': _words('rose', 'tulip', 'lily', 'poppy', 'daisy', 'sunflower'),
    'ingredients': _table('name be', [
        ('eggs', 'were'), ('milk', 'was'), ('honey', 'was'), ('flour', 'was'), ('butter', 'was'), ('sugar', 'was')]),
    'cakes': _words('honey cake', 'plum cake', 'nut cake', 'lemon cake', 'carrot cake', 'berry cake'),
}

# Which domain each variable of the wordings is drawn from.
VARIABLES = {
    'h': 'kids', 'f': 'kids', 'e': 'kids', 'g': 'grown', 'k': 'natures', 'home': 'homes', 'c': 'colours',
    'd': 'colours', 't': 'things', 'p': 'places', 'q': 'places', 'n': 'pets', 'a': 'animals', 'w': 'wild',
    'wrap': 'wraps', 'find': 'finds', 'o': 'obstacles', 'm': 'crafts', 'x': 'troubles', 'flower': 'flowers',
    'i': 'ingredients', 'cake': 'cakes',
}
