"""Stories: the grammar that writes what the tiny model reads.

A story has a hero, a friend, a place, a thing and a plot; every plot is a
list of slots and every slot a choice of sentences. `story(rng)` returns the
text together with the facts that a listener could ask about, so that chats
can go on with "What was the fox called?".
"""

import random

GIRLS = "Mia Lily Nora Ruby Anna Rosa Ella Hazel Ida Luna".split()
BOYS = "Tom Ben Max Oscar Finn Hugo Leo Sam Otto Jack".split()

ANIMALS = (
    "fox rabbit bear mouse owl duck cat dog hen frog squirrel hedgehog deer wolf turtle bee "
    "goat pony lamb pig crow goose otter mole beaver elephant lion snail penguin monkey horse "
    "tiger whale fish bird cow dragon"
).split()
PEOPLE = {"girl": "f", "boy": "m", "king": "m", "queen": "f", "princess": "f", "prince": "m",
          "knight": "", "pirate": "", "farmer": "", "baker": "", "sailor": "", "wizard": "m",
          "robot": "", "giant": "", "child": ""}
TRAITS = "small young kind shy clever curious brave cheerful quiet gentle friendly careful honest old".split()
HOMES = [
    "in a green forest", "at the edge of a quiet village", "by a wide river", "on a sunny hill",
    "near the blue sea", "in a warm meadow", "under a tall oak tree", "on a little farm",
    "at the foot of a high mountain", "beside a still lake",
]
THINGS = ["red kite", "blue hat", "silver key", "little boat", "wooden flute", "yellow scarf",
          "golden ring", "round lantern", "green ball", "warm blanket", "old map", "shiny bell"]
FOODS = ["apples", "nuts", "blueberries", "carrots", "pears", "cherries", "honey cakes", "bread"]
SEEDS = {"sunflower": "yellow", "rose": "red", "tulip": "pink", "daisy": "white", "pumpkin": "orange"}
SPOTS = ["the old bridge", "the tall oak tree", "the mill", "the garden gate", "the well", "the edge of the wood"]
HIDING = ["under a pile of leaves", "behind a big stone", "in the long grass", "between two roots"]
SKILLS = {"swim": "in the lake", "sing": "on the hill", "dance": "in the meadow", "read": "by the fire",
          "paint": "in the garden", "skate": "on the ice"}

OPENINGS = [
    "Once upon a time there was {a_trait} {s} named {n}. {He} lived {home}.",
    "Once upon a time, {home}, there lived {a_trait} {s} named {n}.",
    "There once was {a_trait} {s} called {n}, who lived {home}.",
    "Long ago, {home}, there lived {a_trait} {s}. {His} name was {n}.",
]
ENDINGS = [
    "From that day on, {n} and {fn} were the best of friends.",
    "That night {n} went to sleep with a happy heart.",
    "And {n} never forgot how good it is to have a friend.",
    "And so {n} and {fn} walked home together under the stars.",
    "Ever since, the two friends meet there every day.",
    "{n} smiled all the way home.",
]

# A slot that starts with None may be left out.
PLOTS = {
    "a lost thing": [
        ["One morning {n} could not find {his} {thing}.", "One day {n} lost {his} {thing} on the way home.",
         "One windy day {n} saw that {his} {thing} was gone."],
        ["{He} looked behind the door and under the bed, but it was not there.",
         "{He} looked high and low, but it was nowhere to be seen.",
         "{He} looked near {spot}, but there was nothing."],
        ["{n} sat down and began to cry.", "{n} felt very sad.", "{n} did not know what to do."],
        ["Then {fn} the {fs} came by and asked, \"Why are you so sad?\"",
         "Just then {a_fs} named {fn} came along. \"What is wrong?\" asked {fn}."],
        ["\"I have lost my {thing},\" said {n}.", "\"My {thing} is gone,\" said {n}."],
        ["\"Then let us look for it together,\" said {fn}.", "\"Do not worry, I will help you,\" said {fn}."],
        ["They went back to {spot} and looked very carefully.", "Together they searched all the way to {spot}."],
        ["There, {hiding}, lay the {thing}!", "At last {fn} found the {thing} {hiding}."],
        ["{n} was so happy that {he} danced.", "{n} laughed and thanked {fn} with a big hug."],
    ],
    "a storm": [
        ["One evening dark clouds came over the hills.", "One day the sky turned grey and the wind began to blow."],
        ["Soon the rain fell hard and the thunder roared.", "The rain came down and the wind shook the trees."],
        ["{n} was far from home and very wet.", "{n} ran as fast as {he} could, but home was too far away."],
        ["Near {spot}, {he} saw a light in a window.", "Then {he} saw a small house near {spot}."],
        ["{n} knocked on the door, and {a_fs} opened it.", "{He} knocked three times, and {a_fs} came to the door."],
        ["\"Come in and get warm,\" said the {fs}. \"My name is {fn}.\"",
         "\"I am {fn},\" said the {fs}. \"Please come in and sit by the fire.\""],
        ["They drank hot tea and told stories until the storm was over.",
         "They sat by the fire and shared some {food} while the storm went by."],
        ["In the morning the sun was shining again.", "When they looked outside, there was a rainbow in the sky."],
        ["\"Thank you, {fn},\" said {n}. \"You were very kind to me.\"",
         "{n} thanked the {fs} and gave {fn} {a_thing} as a gift."],
    ],
    "the dark": [
        ["{n} was afraid of the dark.", "Every night {n} was afraid, because it was so dark."],
        ["One night {he} heard a strange noise near {spot}.", "One night there was a strange sound outside the window."],
        ["\"Who is there?\" asked {n} in a small voice.", "{n} hid under the blanket and did not move."],
        ["But then {he} heard that somebody was crying.", "Then a soft voice said, \"Please help me.\""],
        ["{n} took a lantern and went out, step by step.", "{n} was afraid, but {he} took a lamp and went outside."],
        ["There sat {a_fs} named {fn}, who could not find the way home.",
         "It was only {fn}, a little {fs} who was lost."],
        ["\"Do not be afraid,\" said {n}. \"I have a light.\"", "\"Come with me,\" said {n}. \"I know the way.\""],
        ["Together they walked through the night, and the dark did not seem so dark any more.",
         "They walked side by side, and the stars showed them the way."],
        ["\"You are very brave,\" said {fn}.", "\"You are the bravest {s} I know,\" said {fn}."],
    ],
    "sharing": [
        ["One day {n} found a basket full of {food}.", "In autumn {n} picked a big basket of {food}."],
        ["\"These are all for me,\" {he} said.", "{He} wanted to keep all of them."],
        ["On the way home {he} met {a_fs} named {fn}.", "Near {spot}, {he} met {fn} the {fs}."],
        ["{fn} looked thin and tired.", "\"I have not eaten all day,\" said {fn}."],
        ["{n} looked at the basket and thought for a while.", "{n} thought about it, and {his} heart grew soft."],
        ["\"Here, take some of my {food},\" said {n}.", "\"Sit down with me,\" said {n}. \"We can share.\""],
        ["They sat in the grass and ate until they were full.", "They ate together and laughed, and there was enough for both."],
        ["\"The {food} taste better with a friend,\" said {n}.", "\"It is good to share,\" said {n}."],
        ["The next day {fn} came back with {a_thing} as a gift.", "Later {fn} gave {n} {a_thing} to say thank you."],
    ],
    "a garden": [
        ["One spring day {n} found a tiny {seed} seed.", "In spring {fn} the {fs} gave {n} a {seed} seed."],
        ["{He} planted it in the ground near {spot}.", "{He} dug a small hole and put the seed into the soft earth."],
        ["Every day {he} gave it some water.", "{He} watered it every morning and waited."],
        ["But nothing happened, and {n} grew sad.", "Days went by, but there was nothing to see."],
        ["\"Be patient,\" said {fn} the {fs}. \"Good things take time.\"", "\"Wait a little longer,\" said {fn} the {fs}."],
        ["So {n} waited, and the sun shone, and the rain fell.", "So {n} waited, and every evening {he} sang to the seed."],
        ["Then, one morning, a green leaf came out of the ground.", "At last a little green leaf looked out of the earth."],
        ["It grew and grew, and by summer there was a big {color} {seed}.",
         "By the end of summer a beautiful {color} {seed} stood in the garden."],
        ["\"You were right,\" said {n} to {fn}. \"It was worth the wait.\"", "{n} and {fn} looked at it and were very proud."],
    ],
    "a river": [
        ["One day {n} wanted to visit {his} grandmother on the other side of the river.",
         "One day {n} saw beautiful flowers on the other side of the river."],
        ["But the bridge was broken, and the water was deep.", "But there was no bridge, and the water was fast."],
        ["{n} tried to jump, but the river was too wide.", "{n} put one foot into the water, but it was too cold."],
        ["Then {a_fs} named {fn} came by.", "\"Can I help you?\" asked {fn} the {fs}."],
        ["\"I want to cross the river,\" said {n}, \"but I do not know how.\"", "\"How can I get across?\" asked {n}."],
        ["\"We can build a boat,\" said {fn}.", "\"Let us build a raft,\" said {fn}."],
        ["They found some wood and some rope and worked all day.", "They worked until the sun went down."],
        ["In the morning they crossed the river together.", "Then they crossed the water, slowly and carefully."],
        ["\"Alone I could not do it,\" said {n}, \"but together it was easy.\"", "On the other side they cheered and jumped for joy."],
    ],
    "a birthday": [
        ["It was the birthday of {fn} the {fs}, and {n} wanted to find a gift.",
         "{fn} the {fs} had a birthday, but {n} had no gift."],
        ["{He} had no money, so {he} looked around the house.", "{He} thought about it all morning."],
        ["Then {n} had an idea.", "\"I know what to do,\" said {n} at last."],
        ["{He} took {his} own {thing} and cleaned it until it shone.", "{He} took {his} best {thing} and put it in a box."],
        ["{He} also made a cake with {food}.", "Then {he} picked some flowers near {spot}."],
        ["When {fn} opened the box, {fhe} could not believe {fhis} eyes.", "{fn} opened the box and began to smile."],
        ["\"But this is your own {thing}!\" said {fn}.", "\"Is this really for me?\" asked {fn}."],
        ["\"A gift is best when it comes from the heart,\" said {n}.", "\"You are my friend, and I want you to have it,\" said {n}."],
        ["Then they ate the cake and sang until evening.", "They played and sang until the moon came up."],
    ],
    "a race": [
        ["One day there was a big race from the village to {spot}.", "Every summer there was a race from the lake to {spot}."],
        ["{fn} the {fs} was very fast, and {n} was slow.", "Everybody said that {fn} the {fs} would win."],
        ["\"You will never win,\" said {fn} and laughed.", "\"I do not need to try hard,\" said {fn}."],
        ["The race began, and {fn} ran ahead.", "They started, and soon {fn} was far in front."],
        ["But on the way {fn} fell over a root and could not get up.", "But near the end {fn} fell into a deep hole."],
        ["{n} came by and could have won.", "When {n} came by, {he} saw {fn} and stopped."],
        ["\"I will help you,\" said {n}, and they went on together.", "{n} helped {fn} to stand up, and they walked on side by side."],
        ["They were the last, but everybody cheered for them.", "They came in last, but all the others clapped."],
        ["\"You are a true friend,\" said {fn}. \"I am sorry that I laughed.\"", "\"Thank you,\" said {fn}. \"That was better than winning.\""],
    ],
    "a new friend": [
        ["{n} had no friends and often felt alone.", "{n} was new there and did not know anybody."],
        ["Every day {he} played alone near {spot}.", "Every day {he} walked alone to {spot}."],
        ["One day {he} saw {a_fs} who was sitting there.", "One day {a_fs} was there, with {a_thing}."],
        ["{n} was shy, but {he} took a deep breath.", "{n} wanted to run away, but {he} stayed."],
        ["\"Hello, my name is {n},\" {he} said. \"What is your name?\"", "\"Hello, I am {n},\" {he} said. \"Who are you?\""],
        ["\"I am {fn},\" said the {fs}. \"Do you want to play with me?\"", "\"My name is {fn},\" said the {fs}. \"Please sit down.\""],
        ["They played with the {thing} until the sun went down.", "They talked and laughed all afternoon."],
        ["\"Will you come again tomorrow?\" asked {fn}.", "\"I was alone too,\" said {fn}, \"but now I am not.\""],
        ["\"Yes,\" said {n}, \"tomorrow and every day.\"", "\"I will always be your friend,\" said {n}."],
    ],
    "learning": [
        ["{n} wanted to learn to {skill}.", "More than anything, {n} wanted to {skill}."],
        ["{He} tried it {skillplace}, but it did not go well.", "{He} tried once, and it was not good at all."],
        ["The others laughed, and {n} wanted to give up.", "\"I will never learn it,\" said {n}."],
        ["But {fn} the {fs} said, \"Nobody can do it the first time.\"", "\"Try again,\" said {fn} the {fs}. \"I will show you.\""],
        ["So every morning they went out to practise {skillplace}.", "So they practised every day, a little longer each time."],
        ["Slowly, {n} got better.", "After one week {n} was a little better."],
        ["When summer came, {n} could {skill} better than anyone.", "One day {he} could {skill}, and everybody came to see it."],
        ["\"How did you do that?\" they asked.", "All the others clapped and cheered."],
        ["\"I had a good teacher,\" said {n}, \"and I did not give up.\"", "\"You only have to try again and again,\" said {n}."],
    ],
    "a star": [
        ["One night {n} saw a star fall from the sky.", "One clear night a little star fell down near {spot}."],
        ["{He} ran to {spot} and found it {hiding}.", "{n} found it {hiding}, shining like gold."],
        ["\"I am cold, and I want to go home,\" said the star.", "\"Please help me to get back into the sky,\" said the star."],
        ["{n} asked {fn} the {fs} for help.", "{n} ran to {fn} the {fs}, who always knew what to do."],
        ["\"We must climb the highest hill,\" said {fn}.", "\"We need a very long ladder,\" said {fn}."],
        ["They climbed all night and carried the star with them.", "They went up and up, until they could touch the clouds."],
        ["At the top {n} held the star up, and it flew back into the sky.", "There the star said thank you and flew home."],
        ["\"Look, it is shining for us,\" said {fn}.", "\"It is the brightest star of all,\" said {n}."],
        ["Since then it shines over the house every night.", "When {n} is sad, {he} looks up and sees it shine."],
    ],
    "a magnet": [
        ["One day {n} found a magnet near {spot}.", "For {his} birthday {n} got a strong magnet."],
        ["It could pull nails and needles, and {n} played with it all day.", "It pulled on everything that was made of iron."],
        ["Then {fn} the {fs} came running.", "In the evening {a_fs} named {fn} came by, in tears."],
        ["\"My key has fallen into the well,\" said {fn}. \"Now I cannot get into my house.\"",
         "\"I have dropped my iron key into the well,\" said {fn}."],
        ["\"The water is too deep, and nobody can reach it.\"", "Everybody tried to reach it, but the well was too deep."],
        ["{n} tied the magnet to a long string and let it down.", "\"I have an idea,\" said {n}, and tied the magnet to a rope."],
        ["Click! The key came up out of the water.", "There was a click, and up came the key."],
        ["\"You are so clever,\" said {fn}.", "{fn} jumped for joy and thanked {n}."],
        ["\"It was the magnet,\" said {n} and laughed.", "\"Small things can be a big help,\" said {n}."],
    ],
}


def pairs(rng):
    """An exercise in looking back: a few characters, named again and again in changing order."""
    species, names = rng.sample(ANIMALS + list(PEOPLE), 6), rng.sample(GIRLS + BOYS, 6)
    both = [f" {s} {n}" for s, n in zip(species, names)][:rng.choice([2, 2, 3, 4, 6])]
    return "".join(p for _ in range(48 // len(both)) for p in rng.sample(both, len(both)))


def article(words):
    """The words with "a" or "an" before them."""
    return ("an " if words[0] in "aeiou" or words.startswith("honest") else "a ") + words


def usual_name(species):
    """The name that a species has more often than others."""
    i = (ANIMALS + list(PEOPLE)).index(species)
    gender = PEOPLE.get(species) or "fm"[i % 2]
    return (GIRLS if gender == "f" else BOYS)[i // 2 % 10]


def partner_name(name):
    """The name that the friend of somebody of this name has more often than others."""
    return BOYS[GIRLS.index(name)] if name in GIRLS else GIRLS[BOYS.index(name)]


def cast(rng, species=None, name=None, usual=0.0):
    """One character: species, name and pronouns that fit together; `usual` is the share of usual names."""
    s = species or rng.choice(ANIMALS if rng.random() < 0.75 else list(PEOPLE))
    if not name and usual and rng.random() < usual:
        name = usual_name(s)
    gender = PEOPLE.get(s) or rng.choice("fm")
    if name:
        gender = "f" if name in GIRLS else "m"
    n = name or rng.choice(GIRLS if gender == "f" else BOYS)
    he, his, him = ("she", "her", "her") if gender == "f" else ("he", "his", "him")
    return {"s": s, "n": n, "he": he, "his": his, "him": him}


def fits(character):
    """Whether the name goes with the species: no queen called Tom."""
    return PEOPLE.get(character["s"], "") in ("", "f" if character["he"] == "she" else "m")


def story(rng, species=None, name=None, topic=None, friend=None, trait=None, usual=0.0, partner=0.0):
    """Returns (text, facts); the arguments fix what the listener asked for, and the shares of usual and of partner names."""
    topic = topic or rng.choice(list(PLOTS))
    hero = cast(rng, species, name, usual)
    friend_name = partner_name(hero["n"]) if partner and rng.random() < partner else None
    pal = cast(rng, friend, friend_name, usual)
    while pal["n"] == hero["n"] or (pal["s"] == hero["s"] and friend is None) or not fits(pal):
        pal = cast(rng, friend, friend_name, usual)
    v = dict(hero)
    v.update({"f" + k: w for k, w in pal.items()})
    v.update(He=v["he"].title(), His=v["his"].title(), fHe=v["fhe"].title())
    v.update(trait=trait or rng.choice(TRAITS), home=rng.choice(HOMES), thing=rng.choice(THINGS), food=rng.choice(FOODS),
             spot=rng.choice(SPOTS), hiding=rng.choice(HIDING))
    v["seed"] = rng.choice(list(SEEDS))
    v["color"] = SEEDS[v["seed"]]
    v["skill"] = rng.choice(list(SKILLS))
    v["skillplace"] = SKILLS[v["skill"]]
    v.update(a_trait=article(v["trait"]), a_fs=article(v["fs"]), a_thing=article(v["thing"]))
    slots = [OPENINGS] + PLOTS[topic] + [ENDINGS]
    text = " ".join(rng.choice(slot).format_map(v) for slot in slots)
    v["topic"] = topic
    return text, v


if __name__ == "__main__":
    r = random.Random(1)
    for t in PLOTS:
        print(story(r, topic=t)[0], end="\n\n")
