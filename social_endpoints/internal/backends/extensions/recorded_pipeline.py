"""What is kept of a pipeline's outcome that core does not hand on."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from social_core.backends.base import BaseAuth

# The backends of social-core 7 are generic, those of 6 are not.
if TYPE_CHECKING:
    _BaseAuth = BaseAuth[Any]
else:
    _BaseAuth = BaseAuth


class RecordedPipeline(_BaseAuth):
    """A mixin above the backend's class: remembers whether an association was created."""

    new_association = False

    def run_pipeline(
        self, pipeline: list[str], pipeline_index: int = 0, *args: Any, **kwargs: Any
    ) -> Any:
        """Run the pipeline as core does; core keeps ``user``, ``social`` and ``is_new`` of it."""
        out = super().run_pipeline(pipeline, pipeline_index, *args, **kwargs)
        if isinstance(out, dict):
            self.new_association = bool(out.get("new_association"))
        return out
