// SPDX-License-Identifier: Apache-2.0
// One line of JSON or XML in pieces: names stand out, punctuation steps back.

export type SourceKind = 'json' | 'xml'
export interface Piece {
  text: string
  kind: 'name' | 'faint' | ''
}

export function pieces_of(line: string, kind: SourceKind): Piece[] {
  return kind === 'json' ? json_pieces(line) : xml_pieces(line)
}

function json_pieces(line: string): Piece[] {
  const match = /^(\s*)("(?:[^"\\]|\\.)*")(\s*:)(.*)$/.exec(line)
  if (!match) return [{ text: line, kind: /^[\s{}[\],]*$/.test(line) ? 'faint' : '' }]
  return [{ text: match[1] ?? '', kind: '' }, { text: match[2] ?? '', kind: 'name' }, { text: match[3] ?? '', kind: 'faint' }, { text: match[4] ?? '', kind: '' }].filter((piece): piece is Piece => piece.text !== '')
}

function xml_pieces(line: string): Piece[] {
  const pieces: Piece[] = []
  const add = (text: string, kind: Piece['kind']): void => {
    if (text) pieces.push({ text, kind })
  }
  let at = 0
  for (const match of line.matchAll(/(<[/?]?)([\w:.-]+)|(\s[\w:.-]+)(=)|([/?]?>)/g)) {
    add(line.slice(at, match.index), '')
    add(match[1] ?? '', 'faint')
    add(match[2] ?? '', 'name')
    add(match[3] ?? '', 'faint')
    add(match[4] ?? match[5] ?? '', 'faint')
    at = match.index + match[0].length
  }
  add(line.slice(at), '')
  return pieces
}
