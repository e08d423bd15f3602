"""The route of the questions: pictures whose answer would teach most."""

from fastapi import APIRouter

from edge_tosca.console.api.teaching_messages import QuestionMessage, QuestionsMessage
from edge_tosca.console.app_state.questions import ask_first
from edge_tosca.console.app_state.state import AppStateDep

router = APIRouter(tags=["inbox"])

_MOST = 10


@router.get("/questions")
async def questions(state: AppStateDep) -> QuestionsMessage:
    """List pictures without a name whose answer would teach most, and why; /queue/name takes the answer."""
    images = [(one.id, one.image) for _, group in state.inbox.groups() for one in group.pictures]
    images += [(one.id, one.image) for one in state.doubtful.answers()]
    found = await state.store_thread(lambda learner: ask_first(learner, images, _MOST))
    return QuestionsMessage(
        questions=[
            QuestionMessage(id=one.id, reason=one.reason, labels=list(one.labels[:5])) for one in found
        ],
        pictures=len(images),
    )
