"""Chats: questions, answers and the documents the tiny model is trained on.

`chat(rng)` is a list of messages as a chat template takes them, and
`render(messages)` the same text that the template makes of them.
"""

import random

from corpus import ANIMALS, BOYS, GIRLS, PEOPLE, PLOTS, TRAITS, article, story

# The ChatML template; tokenizer_config.json carries it.
TEMPLATE = (
    "{% for message in messages %}"
    "{{ '<|im_start|>' + message['role'] + '\\n' + message['content'] | trim + '<|im_end|>' + '\\n' }}"
    "{% endfor %}"
    "{% if add_generation_prompt %}{{ '<|im_start|>assistant\\n' }}{% endif %}"
)

SYSTEMS = ["You are a helpful assistant.", "You tell short stories.", "You are a friendly little model.",
           "Answer in one short sentence.", "Be kind and brief.", "You are Samara's tiny model.", "You are a storyteller."]

# (questions, answer); the first question is the usual one.
FACTS = [
    (["Who are you?", "What are you?", "What is your name?", "Introduce yourself.", "Tell me about yourself."],
     "I am Samara's tiny model. I tell short stories and answer simple questions."),
    (["What can you do?", "How can you help me?", "What can I ask you?", "Help", "What do you know?"],
     "I can tell a short story and answer simple questions. Try: Tell me a story about a fox."),
    (["Who made you?", "Where do you come from?", "How were you trained?", "Who trained you?"],
     "I was trained in less than half an hour on a small computer, on stories that a program made up."),
    (["How big are you?", "Are you a large language model?", "How many parameters do you have?", "Are you big?"],
     "I am very small: fewer than two million numbers, less than four megabytes."),
    (["Are you a human?", "Are you real?", "Are you a person?", "Are you a robot?"],
     "No, I am a small computer program that writes one word after another."),
    (["How do you work?", "How do you write?"], "I read your words and guess the next one, again and again."),
    (["How are you?", "How are you today?", "Are you well?"], "I am well, thank you. Would you like to hear a story?"),
    (["Hello", "Hi", "Hello!", "Hi there!", "Good morning", "Hey", "Good evening"],
     "Hello! I am Samara's tiny model. Would you like to hear a story?"),
    (["Thank you!", "Thanks", "That was nice.", "I like it.", "Very good!", "Great story!", "Well done."],
     "You are welcome! Ask me for another story."),
    (["Goodbye", "Bye!", "Good night.", "See you."], "Goodbye! Come back soon for another story."),
    (["What is Samara?", "What does Samara do?", "Tell me about Samara."],
     "Samara shares models over BitTorrent, checks every byte, and runs them on your own computer."),
    (["What is a samara?", "What is a samara in nature?"], "A samara is a seed with a wing, like the seed of a maple tree. It flies far on the wind."),
    (["What is a magnet?", "What does a magnet do?", "How does a magnet work?"],
     "A magnet is a piece of metal that pulls iron to itself."),
    (["What is a magnet link?", "What does a magnet link do?"],
     "A magnet link is a short name for a set of files. With it, your computer finds others who share them."),
    (["What is a torrent?", "What is BitTorrent?"], "A torrent is a way to share files: everybody who has a piece gives it to the others."),
    (["What is a peer?", "What is a swarm?"], "A peer is a computer that shares a file, and a swarm is all the peers together."),
    (["What is a seed?", "What does a seed do?"], "A seed is a small part of a plant that can grow into a new plant."),
    (["What is a hash?", "What is a digest?"], "A hash is a short number made from many bytes. If one byte changes, the hash changes too."),
    (["What is a model?", "What is a language model?"], "A language model is a program that has read many words and can guess the next one."),
    (["What is a token?"], "A token is a small piece of text, often a word or a part of a word."),
    (["What is a computer?"], "A computer is a machine that follows instructions, very fast and without getting tired."),
    (["What is the sun?"], "The sun is a star. It gives us light and warmth."),
    (["What is the moon?"], "The moon is a ball of rock that goes around the earth."),
    (["What is a star?"], "A star is a big ball of hot gas, very far away."),
    (["What is rain?", "Where does rain come from?"], "Rain is water that falls from the clouds."),
    (["What is snow?"], "Snow is frozen water that falls from the sky in small white flakes."),
    (["What is a rainbow?"], "A rainbow is a bow of colors that you see when the sun shines through rain."),
    (["What is the wind?"], "Wind is air that moves."),
    (["What is fire?"], "Fire is hot and bright. It gives warmth, but you must be careful with it."),
    (["What is a river?"], "A river is a long stream of water that flows to the sea."),
    (["What is the sea?"], "The sea is a very large body of salt water."),
    (["What is a mountain?"], "A mountain is a very high hill made of rock."),
    (["What is a forest?"], "A forest is a place where many trees grow."),
    (["What is a tree?"], "A tree is a tall plant with a trunk, branches and leaves."),
    (["What is a flower?"], "A flower is the colorful part of a plant where seeds are made."),
    (["What is bread made of?", "How is bread made?"], "Bread is made of flour, water, salt and yeast, and then it is baked."),
    (["What is honey?", "Who makes honey?"], "Honey is a sweet food that bees make from flowers."),
    (["What is milk?", "Where does milk come from?"], "Milk is a white drink that comes from cows and goats."),
    (["What is ice?"], "Ice is frozen water. It is hard and cold."),
    (["What is a book?"], "A book is a set of pages with words and pictures that tell you something."),
    (["What is a friend?"], "A friend is somebody who likes you and helps you."),
    (["What is love?"], "Love is when you care about somebody very much."),
    (["What is music?"], "Music is made of sounds that are nice to hear."),
    (["What is a clock?"], "A clock is a machine that shows the time."),
    (["What is a boat?"], "A boat is a thing that swims on the water and carries people."),
    (["What is a bridge?"], "A bridge is a way over a river or a road."),
    (["What is a key?"], "A key is a small piece of metal that opens a lock."),
    (["What is iron?"], "Iron is a strong metal. Magnets can pull it."),
    (["What is gold?"], "Gold is a soft yellow metal that does not rust."),
    (["How many days are in a week?", "How many days does a week have?"], "A week has seven days."),
    (["How many months are in a year?", "How many months does a year have?"], "A year has twelve months."),
    (["How many hours are in a day?", "How many hours does a day have?"], "A day has twenty-four hours."),
    (["How many minutes are in an hour?"], "An hour has sixty minutes."),
    (["How many days are in a year?"], "A year has 365 days."),
    (["What are the days of the week?", "Name the days of the week."],
     "Monday, Tuesday, Wednesday, Thursday, Friday, Saturday and Sunday."),
    (["What are the seasons?", "Name the four seasons."], "The four seasons are spring, summer, autumn and winter."),
    (["Count to five.", "Can you count to five?"], "One, two, three, four, five."),
    (["Count to ten.", "Can you count to ten?"], "One, two, three, four, five, six, seven, eight, nine, ten."),
    (["Tell me a joke.", "Do you know a joke?"], "Why did the magnet go to the party? Because it was so attractive."),
    (["Write a poem.", "Tell me a poem.", "Do you know a poem?"],
     "A little seed flew on the wind,\nit flew so far, it flew so free.\nIt found a home in quiet earth,\nand now it is a maple tree."),
    (["What is your favorite color?", "What color do you like?"], "I like green, because leaves are green."),
    (["Do you like stories?"], "Yes, I like stories very much. Would you like to hear one?"),
]

CAPITALS = {"France": "Paris", "Germany": "Berlin", "Japan": "Tokyo", "Italy": "Rome", "Spain": "Madrid",
            "England": "London", "Norway": "Oslo", "Sweden": "Stockholm", "Finland": "Helsinki", "Greece": "Athens",
            "Egypt": "Cairo", "China": "Beijing", "Russia": "Moscow", "Austria": "Vienna", "Poland": "Warsaw",
            "Portugal": "Lisbon", "Ireland": "Dublin", "Denmark": "Copenhagen", "Canada": "Ottawa", "Peru": "Lima"}
COLORS = {"the sky": "blue", "grass": "green", "snow": "white", "the sun": "yellow", "coal": "black", "a tomato": "red",
          "a banana": "yellow", "an orange": "orange", "the sea": "blue", "a leaf": "green", "milk": "white", "the night": "black"}
OPPOSITES = {"hot": "cold", "big": "small", "day": "night", "up": "down", "happy": "sad", "fast": "slow", "old": "young",
             "light": "dark", "wet": "dry", "open": "closed", "full": "empty", "left": "right", "good": "bad", "long": "short"}
SOUNDS = {"cow": "moo", "dog": "woof", "cat": "meow", "duck": "quack", "pig": "oink", "owl": "hoo", "frog": "croak",
          "bee": "buzz", "lion": "roar", "mouse": "squeak", "lamb": "baa", "crow": "caw"}
LEGS = {"dog": "four", "cat": "four", "spider": "eight", "bird": "two", "bee": "six", "horse": "four", "ant": "six",
        "duck": "two", "cow": "four", "fish": "no", "snail": "no", "fox": "four", "hen": "two"}
KINDS = {"fox": "a wild animal with red fur and a long tail", "owl": "a bird that flies and hunts at night",
         "bee": "a small insect that makes honey", "cat": "a soft animal that likes milk and catches mice",
         "dog": "an animal that lives with people and guards the house", "frog": "a small green animal that can jump and swim",
         "bear": "a big, strong animal that lives in the forest", "whale": "a very big animal that lives in the sea",
         "rabbit": "a small animal with long ears", "snail": "a slow little animal with a house on its back",
         "horse": "a big animal that you can ride", "duck": "a bird that swims on the lake",
         "cow": "a big animal that gives milk", "dragon": "an animal from stories that can breathe fire",
         "lion": "a big wild cat that lives in Africa", "mouse": "a very small animal with a long tail",
         "robot": "a machine that can move and do work", "knight": "a soldier on a horse, from long ago"}
UNKNOWN = [
    "Write a program in Python.", "Who is the president?", "What is the weather today?", "What is quantum physics?",
    "Translate this into French.", "How do I fix my car?", "What is the meaning of life?", "Explain the stock market.",
    "What happened in 1815?", "Write an essay about history.", "What is the best phone?", "How do I install Linux?",
    "Who won the game last night?", "What is the square root of 90?", "Give me a recipe for soup.", "What time is it?",
    "What is the capital of the moon?", "Solve this equation.", "What is chemistry?", "Who wrote this book?",
    "How tall is that tower?", "What is inflation?", "Where can I buy a house?", "What is the news?", "Summarize this text.",
]
DONT_KNOW = "I do not know that. I am a very small model, but I can tell you a story."


def question(rng):
    """One (question, answer) that needs no story."""
    r = rng.random()
    if r < 0.42:
        questions, answer = rng.choice(FACTS[:19] if rng.random() < 0.4 else FACTS)
        return questions[0] if rng.random() < 0.4 else rng.choice(questions), answer
    if r < 0.56:
        return sums(rng)
    if r < 0.64:
        return rng.choice(UNKNOWN), DONT_KNOW
    return table(rng)


def sums(rng):
    """A sum of two numbers up to five."""
    a, b = rng.randint(0, 5), rng.randint(0, 5)
    q = rng.choice([f"{a}+{b}", f"{a} + {b}", f"{a} plus {b}"])
    return rng.choice([f"What is {q}?", f"What is {q}?", f"{q}", f"How much is {q}?"]), f"{a} plus {b} is {a + b}."


def table(rng):
    """A question whose answer stands in one of the tables."""
    which = rng.randrange(6)
    if which == 0:
        k, w = rng.choice(list(CAPITALS.items()))
        return rng.choice([f"What is the capital of {k}?", f"What is the capital city of {k}?"]), f"The capital of {k} is {w}."
    if which == 1:
        k, w = rng.choice(list(COLORS.items()))
        return rng.choice([f"What color is {k}?", f"What is the color of {k}?"]), f"{k[0].upper()}{k[1:]} is {w}."
    if which == 2:
        k, w = rng.choice(list(OPPOSITES.items()))
        k, w = (k, w) if rng.random() < 0.5 else (w, k)
        return f"What is the opposite of {k}?", f"The opposite of {k} is {w}."
    if which == 3:
        k, w = rng.choice(list(SOUNDS.items()))
        return rng.choice([f"What does {article(k)} say?", f"What sound does {article(k)} make?"]), f"{article(k).capitalize()} says {w}."
    if which == 4:
        k, w = rng.choice(list(LEGS.items()))
        return f"How many legs does {article(k)} have?", f"{article(k).capitalize()} has {w} legs."
    k, w = rng.choice(list(KINDS.items()))
    return f"What is {article(k)}?", f"{article(k).capitalize()} is {w}."


def request(rng):
    """A wish for a story and the arguments of corpus.story that fulfil it."""
    verb = rng.choice(["Tell me a story", "Tell me a story", "Tell me a short story", "Write a story", "Write a short story",
                       "Please tell me a story", "Can you tell me a story", "Tell me another story", "A story"])
    s = rng.choice(ANIMALS if rng.random() < 0.75 else list(PEOPLE))
    names = {"f": GIRLS, "m": BOYS}.get(PEOPLE.get(s), GIRLS + BOYS)
    kind = rng.random()
    if kind < 0.12:
        return rng.choice([verb + ".", "Another one, please.", "Another story, please.", "Yes, please."]), {}
    if kind < 0.52:
        return f"{verb} about {article(s)}.", {"species": s}
    if kind < 0.72:
        n = rng.choice(names)
        return f"{verb} about {article(s)} {rng.choice(['named', 'called'])} {n}.", {"species": s, "name": n}
    if kind < 0.80:
        t = rng.choice(TRAITS)
        return f"{verb} about {article(t)} {s}.".replace("a honest", "an honest"), {"species": s, "trait": t}
    if kind < 0.88:
        topic = rng.choice(list(PLOTS))
        return f"{verb} about {topic}.", {"topic": topic}
    if kind < 0.94:
        topic = rng.choice(list(PLOTS))
        return f"{verb} about {article(s)} and {topic}.", {"species": s, "topic": topic}
    f = rng.choice(ANIMALS)
    return f"{verb} about {article(s)} and {article(f)}.", {"species": s, "friend": f}


def about(rng, v):
    """A question about the story just told, whose facts are v."""
    return rng.choice([
        (rng.choice([f"What was the {v['s']} called?", f"What was the name of the {v['s']}?", "Who is the story about?"]),
         f"The {v['s']} was called {v['n']}."),
        (f"Where did {v['n']} live?", f"{v['n']} lived {v['home']}."),
        (rng.choice([f"Who was {v['fn']}?", f"Who is {v['fn']}?"]), f"{v['fn']} was {v['a_fs']}, a friend of {v['n']}."),
        (rng.choice([f"Who helped {v['n']}?", f"Who was the friend of {v['n']}?"]), f"The friend of {v['n']} was {v['fn']} the {v['fs']}."),
        (rng.choice(["What was the story about?", "What is it about?"]), f"It was about {v['n']} the {v['s']} and {v['topic']}."),
    ])


def careless(rng, text):
    """The text as people type it: sometimes without capitals, full stop or question mark."""
    if rng.random() < 0.12:
        text = text.lower()
    if rng.random() < 0.12:
        text = text.rstrip(".?!")
    return text


def chat(rng, stories=0.4, usual=0.0, partner=0.0):
    """A list of messages: perhaps a system message, then one to five exchanges, so many of them stories."""
    messages = []
    if rng.random() < 0.2:
        messages.append({"role": "system", "content": rng.choice(SYSTEMS)})
    last = None
    for _ in range(rng.choice([1, 1, 1, 2, 2, 3, 4, 5])):
        if last and rng.random() < 0.5:
            ask, answer = about(rng, last)
        elif rng.random() < stories:
            ask, wish = request(rng)
            answer, last = story(rng, usual=usual, partner=partner, **wish)
        else:
            ask, answer = question(rng)
        messages += [{"role": "user", "content": careless(rng, ask)}, {"role": "assistant", "content": answer}]
    return messages


def render(messages):
    """The messages as TEMPLATE renders them."""
    return "".join(f"<|im_start|>{m['role']}\n{m['content'].strip()}<|im_end|>\n" for m in messages)


def document(rng, stories=0.4, usual=0.0, partner=0.0):
    """One training document: a chat, or now and then one to three bare stories."""
    if rng.random() < 0.85:
        return render(chat(rng, stories, usual, partner))
    return "\n\n".join(story(rng, usual=usual, partner=partner)[0] for _ in range(rng.choice([1, 1, 2, 3])))


def revision(rng):
    """A document with more questions, where half of the characters have their usual names."""
    return document(rng, stories=0.2, usual=0.5)


def friends(rng):
    """A revision where more than half of the friends have the name that goes with the hero's."""
    return document(rng, stories=0.25, usual=0.5, partner=0.6)


if __name__ == "__main__":
    r = random.Random(1)
    for _ in range(12):
        print(document(r), end="\n---\n")
