// SPDX-License-Identifier: Apache-2.0
/** A made-up Chinese record, as FHIR resources; dates count back from `now`. */
export function chinese_record(now?: Date): unknown[]
