"""The 120 breeds of Stanford Dogs, in the dataset's order, which is that of their WordNet ids."""

import re
from collections.abc import Collection
from typing import NamedTuple

from dogbreed.subject import DOG, PHOTO, capitalized


class Breed(NamedTuple):
    """One class of Stanford Dogs.

    Attributes:
        wordnet_id: WordNet 3.0 id of the synset, as in ImageNet.
        label: The label as the data has it.
        name: The name that people use today: the American Kennel Club's, in sentence case, where
            kennel clubs differ.
        imagenet_index: Its number, 0..999, among the classes of ImageNet-1k.
        wikidata: Id of its item on Wikidata, which links the articles in all languages; None where
            the photos of the class show several breeds.
    """

    wordnet_id: str
    label: str
    name: str
    imagenet_index: int
    wikidata: str | None


# ImageNet-1k sorts its classes by WordNet id: dogs are 151 to 268, of which Stanford Dogs leaves
# the Dalmatian (251) out; dingo, dhole and African hunting dog come behind the wolves and foxes.
# Names follow the photos where they differ from WordNet: its Blenheim spaniels are Cavaliers, its
# Walker hounds coonhounds. Toy terriers and Eskimo dogs are several breeds, and keep their names.
BREEDS = (
    Breed("n02085620", "n02085620-Chihuahua", "Chihuahua", 151, "Q653"),
    Breed("n02085782", "n02085782-Japanese_spaniel", "Japanese chin", 152, "Q38146"),
    Breed("n02085936", "n02085936-Maltese_dog", "Maltese", 153, "Q38751"),
    Breed("n02086079", "n02086079-Pekinese", "Pekingese", 154, "Q38959"),
    Breed("n02086240", "n02086240-Shih-Tzu", "Shih Tzu", 155, "Q39357"),
    Breed(
        "n02086646", "n02086646-Blenheim_spaniel", "Cavalier King Charles spaniel", 156, "Q38072"
    ),
    Breed("n02086910", "n02086910-papillon", "Papillon", 157, "Q38115"),
    Breed("n02087046", "n02087046-toy_terrier", "Toy terrier", 158, None),
    Breed("n02087394", "n02087394-Rhodesian_ridgeback", "Rhodesian ridgeback", 159, "Q39026"),
    Breed("n02088094", "n02088094-Afghan_hound", "Afghan hound", 160, "Q21080"),
    Breed("n02088238", "n02088238-basset", "Basset hound", 161, "Q37716"),
    Breed("n02088364", "n02088364-beagle", "Beagle", 162, "Q21102"),
    Breed("n02088466", "n02088466-bloodhound", "Bloodhound", 163, "Q21098"),
    Breed("n02088632", "n02088632-bluetick", "Bluetick coonhound", 164, "Q37568"),
    Breed(
        "n02089078", "n02089078-black-and-tan_coonhound", "Black and tan coonhound", 165, "Q37537"
    ),
    Breed("n02089867", "n02089867-Walker_hound", "Treeing Walker coonhound", 166, "Q39244"),
    Breed("n02089973", "n02089973-English_foxhound", "English foxhound", 167, "Q37789"),
    Breed("n02090379", "n02090379-redbone", "Redbone coonhound", 168, "Q38820"),
    Breed("n02090622", "n02090622-borzoi", "Borzoi", 169, "Q37866"),
    Breed("n02090721", "n02090721-Irish_wolfhound", "Irish wolfhound", 170, "Q38668"),
    Breed("n02091032", "n02091032-Italian_greyhound", "Italian greyhound", 171, "Q38503"),
    Breed("n02091134", "n02091134-whippet", "Whippet", 172, "Q39122"),
    Breed("n02091244", "n02091244-Ibizan_hound", "Ibizan hound", 173, "Q37755"),
    Breed("n02091467", "n02091467-Norwegian_elkhound", "Norwegian elkhound", 174, "Q38803"),
    Breed("n02091635", "n02091635-otterhound", "Otterhound", 175, "Q38922"),
    Breed("n02091831", "n02091831-Saluki", "Saluki", 176, "Q39108"),
    Breed("n02092002", "n02092002-Scottish_deerhound", "Scottish deerhound", 177, "Q37929"),
    Breed("n02092339", "n02092339-Weimaraner", "Weimaraner", 178, "Q38965"),
    Breed(
        "n02093256",
        "n02093256-Staffordshire_bullterrier",
        "Staffordshire bull terrier",
        179,
        "Q39285",
    ),
    Breed(
        "n02093428",
        "n02093428-American_Staffordshire_terrier",
        "American Staffordshire terrier",
        180,
        "Q37688",
    ),
    Breed("n02093647", "n02093647-Bedlington_terrier", "Bedlington terrier", 181, "Q37582"),
    Breed("n02093754", "n02093754-Border_terrier", "Border terrier", 182, "Q37558"),
    Breed("n02093859", "n02093859-Kerry_blue_terrier", "Kerry blue terrier", 183, "Q38025"),
    Breed("n02093991", "n02093991-Irish_terrier", "Irish terrier", 184, "Q38644"),
    Breed("n02094114", "n02094114-Norfolk_terrier", "Norfolk terrier", 185, "Q38940"),
    Breed("n02094258", "n02094258-Norwich_terrier", "Norwich terrier", 186, "Q38934"),
    Breed("n02094433", "n02094433-Yorkshire_terrier", "Yorkshire terrier", 187, "Q39330"),
    Breed("n02095314", "n02095314-wire-haired_fox_terrier", "Wire fox terrier", 188, "Q39491"),
    Breed("n02095570", "n02095570-Lakeland_terrier", "Lakeland terrier", 189, "Q38110"),
    Breed("n02095889", "n02095889-Sealyham_terrier", "Sealyham terrier", 190, "Q39068"),
    Breed("n02096051", "n02096051-Airedale", "Airedale terrier", 191, "Q37617"),
    Breed("n02096177", "n02096177-cairn", "Cairn terrier", 192, "Q37888"),
    Breed("n02096294", "n02096294-Australian_terrier", "Australian terrier", 193, "Q37530"),
    Breed("n02096437", "n02096437-Dandie_Dinmont", "Dandie Dinmont terrier", 194, "Q38336"),
    Breed("n02096585", "n02096585-Boston_bull", "Boston terrier", 195, "Q37550"),
    Breed("n02097047", "n02097047-miniature_schnauzer", "Miniature schnauzer", 196, "Q38999"),
    Breed("n02097130", "n02097130-giant_schnauzer", "Giant schnauzer", 197, "Q38688"),
    Breed("n02097209", "n02097209-standard_schnauzer", "Standard schnauzer", 198, "Q39605"),
    Breed("n02097298", "n02097298-Scotch_terrier", "Scottish terrier", 199, "Q39035"),
    Breed("n02097474", "n02097474-Tibetan_terrier", "Tibetan terrier", 200, "Q38796"),
    Breed("n02097658", "n02097658-silky_terrier", "Silky terrier", 201, "Q37524"),
    Breed(
        "n02098105",
        "n02098105-soft-coated_wheaten_terrier",
        "Soft-coated wheaten terrier",
        202,
        "Q38047",
    ),
    Breed(
        "n02098286",
        "n02098286-West_Highland_white_terrier",
        "West Highland white terrier",
        203,
        "Q17510",
    ),
    Breed("n02098413", "n02098413-Lhasa", "Lhasa apso", 204, "Q38352"),
    Breed("n02099267", "n02099267-flat-coated_retriever", "Flat-coated retriever", 205, "Q29200"),
    Breed("n02099429", "n02099429-curly-coated_retriever", "Curly-coated retriever", 206, "Q38375"),
    Breed("n02099601", "n02099601-golden_retriever", "Golden retriever", 207, "Q38686"),
    Breed("n02099712", "n02099712-Labrador_retriever", "Labrador retriever", 208, "Q38726"),
    Breed(
        "n02099849", "n02099849-Chesapeake_Bay_retriever", "Chesapeake Bay retriever", 209, "Q29084"
    ),
    Breed(
        "n02100236",
        "n02100236-German_short-haired_pointer",
        "German shorthaired pointer",
        210,
        "Q38084",
    ),
    Breed("n02100583", "n02100583-vizsla", "Vizsla", 211, "Q38819"),
    Breed("n02100735", "n02100735-English_setter", "English setter", 212, "Q38309"),
    Breed("n02100877", "n02100877-Irish_setter", "Irish setter", 213, "Q38761"),
    Breed("n02101006", "n02101006-Gordon_setter", "Gordon setter", 214, "Q38301"),
    Breed("n02101388", "n02101388-Brittany_spaniel", "Brittany", 215, "Q38156"),
    Breed("n02101556", "n02101556-clumber", "Clumber spaniel", 216, "Q37851"),
    Breed("n02102040", "n02102040-English_springer", "English springer spaniel", 217, "Q29022"),
    Breed("n02102177", "n02102177-Welsh_springer_spaniel", "Welsh springer spaniel", 218, "Q39047"),
    Breed("n02102318", "n02102318-cocker_spaniel", "English cocker spaniel", 219, "Q38533"),
    Breed("n02102480", "n02102480-Sussex_spaniel", "Sussex spaniel", 220, "Q39138"),
    Breed("n02102973", "n02102973-Irish_water_spaniel", "Irish water spaniel", 221, "Q38162"),
    Breed("n02104029", "n02104029-kuvasz", "Kuvasz", 222, "Q38467"),
    Breed("n02104365", "n02104365-schipperke", "Schipperke", 223, "Q39010"),
    Breed("n02105056", "n02105056-groenendael", "Groenendael", 224, "Q38399"),
    Breed("n02105162", "n02105162-malinois", "Belgian Malinois", 225, "Q38494"),
    Breed("n02105251", "n02105251-briard", "Briard", 226, "Q37821"),
    Breed("n02105412", "n02105412-kelpie", "Australian kelpie", 227, "Q37520"),
    Breed("n02105505", "n02105505-komondor", "Komondor", 228, "Q38675"),
    Breed("n02105641", "n02105641-Old_English_sheepdog", "Old English sheepdog", 229, "Q37704"),
    Breed("n02105855", "n02105855-Shetland_sheepdog", "Shetland sheepdog", 230, "Q39058"),
    Breed("n02106030", "n02106030-collie", "Collie", 231, "Q1196071"),
    Breed("n02106166", "n02106166-Border_collie", "Border collie", 232, "Q37710"),
    Breed("n02106382", "n02106382-Bouvier_des_Flandres", "Bouvier des Flandres", 233, "Q37896"),
    Breed("n02106550", "n02106550-Rottweiler", "Rottweiler", 234, "Q39093"),
    Breed("n02106662", "n02106662-German_shepherd", "German shepherd", 235, "Q38280"),
    Breed("n02107142", "n02107142-Doberman", "Doberman pinscher", 236, "Q38358"),
    Breed("n02107312", "n02107312-miniature_pinscher", "Miniature pinscher", 237, "Q38990"),
    Breed(
        "n02107574",
        "n02107574-Greater_Swiss_Mountain_dog",
        "Greater Swiss mountain dog",
        238,
        "Q38121",
    ),
    Breed("n02107683", "n02107683-Bernese_mountain_dog", "Bernese mountain dog", 239, "Q37608"),
    Breed("n02107908", "n02107908-Appenzeller", "Appenzeller sennenhund", 240, "Q37697"),
    Breed("n02108000", "n02108000-EntleBucher", "Entlebucher mountain dog", 241, "Q37986"),
    Breed("n02108089", "n02108089-boxer", "Boxer", 242, "Q38496"),
    Breed("n02108422", "n02108422-bull_mastiff", "Bullmastiff", 243, "Q38080"),
    Breed("n02108551", "n02108551-Tibetan_mastiff", "Tibetan mastiff", 244, "Q39322"),
    Breed("n02108915", "n02108915-French_bulldog", "French bulldog", 245, "Q29149"),
    Breed("n02109047", "n02109047-Great_Dane", "Great Dane", 246, "Q5414"),
    Breed("n02109525", "n02109525-Saint_Bernard", "Saint Bernard", 247, "Q38090"),
    Breed("n02109961", "n02109961-Eskimo_dog", "Eskimo dog", 248, None),
    Breed("n02110063", "n02110063-malamute", "Alaskan malamute", 249, "Q21206"),
    Breed("n02110185", "n02110185-Siberian_husky", "Siberian husky", 250, "Q39295"),
    Breed("n02110627", "n02110627-affenpinscher", "Affenpinscher", 252, "Q7254"),
    Breed("n02110806", "n02110806-basenji", "Basenji", 253, "Q37871"),
    Breed("n02110958", "n02110958-pug", "Pug", 254, "Q38698"),
    Breed("n02111129", "n02111129-Leonberg", "Leonberger", 255, "Q38487"),
    Breed("n02111277", "n02111277-Newfoundland", "Newfoundland", 256, "Q38706"),
    Breed("n02111500", "n02111500-Great_Pyrenees", "Great Pyrenees", 257, "Q37803"),
    Breed("n02111889", "n02111889-Samoyed", "Samoyed", 258, "Q39002"),
    Breed("n02112018", "n02112018-Pomeranian", "Pomeranian", 259, "Q39579"),
    Breed("n02112137", "n02112137-chow", "Chow chow", 260, "Q29013"),
    Breed("n02112350", "n02112350-keeshond", "Keeshond", 261, "Q38843"),
    Breed("n02112706", "n02112706-Brabancon_griffon", "Brussels griffon", 262, "Q38889"),
    Breed("n02113023", "n02113023-Pembroke", "Pembroke Welsh corgi", 263, "Q38783"),
    Breed("n02113186", "n02113186-Cardigan", "Cardigan Welsh corgi", 264, "Q29072"),
    Breed("n02113624", "n02113624-toy_poodle", "Toy poodle", 265, "Q38904"),
    Breed("n02113712", "n02113712-miniature_poodle", "Miniature poodle", 266, "Q38904"),
    Breed("n02113799", "n02113799-standard_poodle", "Standard poodle", 267, "Q38904"),
    Breed("n02113978", "n02113978-Mexican_hairless", "Xoloitzcuintli", 268, "Q38856"),
    Breed("n02115641", "n02115641-dingo", "Dingo", 273, "Q38584"),
    Breed("n02115913", "n02115913-dhole", "Dhole", 274, "Q132585"),
    Breed("n02116738", "n02116738-African_hunting_dog", "African wild dog", 275, "Q173651"),
)

_NAMES = {breed.label: breed.name for breed in BREEDS}


def _spelled_alike(text: str) -> str:
    """Text without a leading WordNet id, in lower case, with spaces between the words."""
    return re.sub(r"[\W_]+", " ", re.sub(r"^n\d{8}-", "", text)).strip().lower()


_BY_SPELLING = {
    _spelled_alike(text): breed for breed in BREEDS for text in (breed.label, breed.name)
}


def display_name(label: str) -> str:
    """The name for people of a label of any dataset.

    `BREEDS` has the names for Stanford Dogs. Other labels lose a leading WordNet id, underscores
    become spaces, and the first letter is capitalized.
    """
    if label in _NAMES:
        return _NAMES[label]
    words = re.sub(r"^n\d{8}-", "", label).replace("_", " ").strip() or label
    return capitalized(words)


def find_breed(text: str) -> Breed | None:
    """The breed that a label or a name stands for, however it is spelled; None for anything else.

    Args:
        text: `n02096585-Boston_bull`, `boston_bull` or `Boston terrier`, for example.
    """
    return _BY_SPELLING.get(_spelled_alike(text))


def default_subject(labels: Collection[str]) -> str:
    """`dog` where most labels are breeds of the table, else `photo`."""
    breeds = sum(find_breed(label) is not None for label in labels)
    return DOG if 2 * breeds > len(labels) else PHOTO
