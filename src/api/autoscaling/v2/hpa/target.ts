/** A metric's name and its target. */
import type { FieldError, FieldPath } from '../../../../apimachinery/fieldpath.ts';
import { invalidValue, required } from '../../../../apimachinery/fieldpath.ts';
import { validatePathSegment } from '../../../../apimachinery/names.ts';
import { compareQuantities } from '../../../../apimachinery/quantity.ts';
import { checked } from '../../../../apimachinery/validation/common.ts';
import type { MetricIdentifier, MetricTarget } from '../types.gen.ts';

export const validateMetricName = ({ name }: MetricIdentifier, at: FieldPath): FieldError[] =>
  name ? checked(name, at.child('name'), validatePathSegment(name)) : [required(at.child('name'), 'must specify a metric name')];

export function validateMetricTarget({ type, value, averageValue, averageUtilization }: MetricTarget, at: FieldPath): FieldError[] {
  const errors: FieldError[] = [];
  if (!type) errors.push(required(at.child('type'), 'must specify a metric target type'));
  if (!['Utilization', 'Value', 'AverageValue'].includes(type)) {
    errors.push(invalidValue(at.child('type'), type, 'must be either Utilization, Value, or AverageValue'));
  }
  if (value !== undefined && compareQuantities(value, '0') <= 0) errors.push(invalidValue(at.child('value'), value, 'must be positive'));
  if (averageValue !== undefined && compareQuantities(averageValue, '0') <= 0) {
    errors.push(invalidValue(at.child('averageValue'), averageValue, 'must be positive'));
  }
  if (averageUtilization !== undefined && averageUtilization < 1) {
    errors.push(invalidValue(at.child('averageUtilization'), averageUtilization, 'must be greater than 0'));
  }
  return errors;
}
