"""The kinds of labelling rules; a new kind is a class of its own and a name in `AnyRule`."""

from typing import Annotated

from pydantic import Field

from winnow.labelling.classifier import Model
from winnow.labelling.function import Python
from winnow.labelling.llm import Llm
from winnow.labelling.marking import Gazetteer, Pattern
from winnow.labelling.patterns import Heading, Keyword, Regex

AnyRule = Annotated[Regex | Heading | Keyword | Gazetteer | Pattern | Python | Model | Llm, Field(discriminator="kind")]
