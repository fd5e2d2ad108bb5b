"""Pages around `translate`: the studio, a Gradio app. They use the package and add nothing to it."""
