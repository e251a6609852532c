"""What is kept of a pipeline's outcome that core does not hand on."""

from __future__ import annotations

from typing import Any

from social_endpoints.internal.backends.extensions.bases import Backend


class RecordedPipeline(Backend):
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
