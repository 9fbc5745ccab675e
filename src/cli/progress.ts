/** Progress of long work: a live line on a terminal, plain lines elsewhere. */

export interface Progress {
  /** What is being done now. */
  step(message: string): void;
  /** The last word: stays on the terminal. */
  done(message: string): void;
}

const frames = ['⠋', '⠙', '⠹', '⠸', '⠼', '⠴', '⠦', '⠧', '⠇', '⠏'];

export function createProgress(stream: NodeJS.WriteStream = process.stderr): Progress {
  if (!stream.isTTY) {
    let last = '';
    return {
      step: (message) => {
        if (message !== last) stream.write(`${message}\n`);
        last = message;
      },
      done: (message) => void stream.write(`${message}\n`),
    };
  }
  let current = '';
  let frame = 0;
  const draw = (): void => void stream.write(`\r\u001b[2K${frames[frame++ % frames.length]} ${current}`);
  const timer = setInterval(draw, 80);
  timer.unref();
  return {
    step: (message) => {
      current = message;
      draw();
    },
    done: (message) => {
      clearInterval(timer);
      stream.write(`\r\u001b[2K${message}\n`);
    },
  };
}
