// Small pictures to click on, in the studio. Runs inside Gradio's page (gr.HTML).

/** `props.pictures`: data URLs. A click sets `props.value` to [number, clicks so far]. */
export default function examples({ element, props, watch }) {
  const box = element.querySelector('.gs-examples');
  let clicks = 0;
  const draw = () => {
    box.replaceChildren(
      ...(props.pictures ?? []).map((url, number) => {
        const button = document.createElement('button');
        button.type = 'button';
        button.className = 'gs-example';
        button.title = 'Translate this one';
        const picture = document.createElement('img');
        picture.alt = `example ${number + 1}`;
        picture.src = url;
        button.append(picture);
        button.addEventListener('click', () => {
          props.value = [number, (clicks += 1)];
        });
        return button;
      }),
    );
  };
  watch('pictures', draw);
  draw();
}
